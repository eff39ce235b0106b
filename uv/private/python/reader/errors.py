"""The one exception whose message is for the user."""


class ReadError(Exception):
    """The lock or the project can't be used; the message is one line."""
