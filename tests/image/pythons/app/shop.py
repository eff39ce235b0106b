"""The second module."""


def price(count: int) -> int:
    """What so many cost."""
    return 2 * count
