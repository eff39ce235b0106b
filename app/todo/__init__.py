"""A todo service over REST and in natural language."""

VERSION = "1.0.0"
