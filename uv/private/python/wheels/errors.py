"""The one exception whose message is for the user."""


class WheelError(Exception):
    """A wheel can't be installed, or not be built; the message is one sentence."""
