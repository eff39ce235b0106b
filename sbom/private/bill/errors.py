"""The one exception that the bill tool turns into a one-line message."""


class BillError(Exception):
    """A fault in what the user gave: the message says what, where and what to do, in one line."""
