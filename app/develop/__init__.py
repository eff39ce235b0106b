"""For development only; not part of the image."""
