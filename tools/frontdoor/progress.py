"""Says on standard error what a set-up is doing, how much of it is done, and for how long."""

from __future__ import annotations

import sys
import time

from . import problem


class Progress:
    """One line that is rewritten on a terminal; elsewhere a line every ten seconds."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._printed = 0.0

    def seconds(self) -> float:
        return time.monotonic() - self._start

    def update(self, text: str) -> None:
        """Shows `text`, and how long the set-up has been running."""
        now = self.seconds()
        if self._terminal:
            line = f"\r\033[K{problem.speaker}: {text}, {now:.0f} s"
            print(line, end="", file=sys.stderr, flush=True)
        elif now - self._printed >= 10:
            self._printed = now
            problem.say(f"{text}, {now:.0f} s")

    def done(self, text: str) -> None:
        """Ends the rewritten line with one that stays."""
        self.clear()
        problem.say(f"{text}, {self.seconds():.0f} s")

    def clear(self) -> None:
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"
