"""Reads a lock as uv does: what each set holds on each platform, and where that comes from."""
