"""Reads a lock as uv reads it: what each set holds on each platform, and where each distribution comes from."""
