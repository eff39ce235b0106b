"""The one error that a user sees."""


class LoadError(Exception):
    """What went wrong, where, and what to do, in one line."""
