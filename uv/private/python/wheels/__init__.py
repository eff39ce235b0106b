"""What a wheel installs: read without unpacking it, as trees, as facts, and as single files."""
