"""Tasks: what they are, how they are kept, how they are reached over HTTP."""
