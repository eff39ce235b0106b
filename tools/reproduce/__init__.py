"""Whether the same inputs gave the same image: kept digests, and builds that are compared."""
