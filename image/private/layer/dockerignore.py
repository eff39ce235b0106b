"""`.dockerignore`: which files of a folder a build is not to see.

The language is Docker's ("docker build", ".dockerignore file"): a pattern a line, `#` for a
comment, `*` and `?` within a name, `[a-z]`, `**` for any number of folders, `!` for an exception. A
pattern counts from the folder of the file on, also without `/` at its beginning; it covers what is
below what it matches; the last line that matches decides.
"""

from __future__ import annotations

import posixpath
import re

from layer.errors import LayerError

_BYTE_ORDER_MARK = "\ufeff"


class Dockerignore:
    """The patterns of one file.

    Args:
        text: its content.
        name: its path, for messages.

    Raises:
        LayerError: it isn't UTF-8, or a line is no pattern.
    """

    def __init__(self, text: bytes, name: str) -> None:
        try:
            lines = text.decode().removeprefix(_BYTE_ORDER_MARK).split("\n")
        except UnicodeDecodeError:
            raise LayerError(f"{name} isn't UTF-8") from None
        self._patterns: list[tuple[bool, re.Pattern[str]]] = []
        for number, line in enumerate(lines, 1):
            if line.startswith("#") or not line.strip():
                continue
            exception = line.strip().startswith("!")
            pattern = line.strip()[1:].strip() if exception else line.strip()
            if not pattern:
                raise LayerError(f"{name}:{number}: `!` without a pattern; complete it")
            # "/" stands for the folder itself, as "." does: neither leaves anything out.
            pattern = posixpath.normpath(pattern).lstrip("/")
            try:
                self._patterns.append((exception, re.compile(_expression(pattern), re.DOTALL)))
            except re.error:
                raise LayerError(
                    f"{name}:{number}: {line.strip()!r} is no pattern: a bracket is open, or empty"
                ) from None

    def leaves_out(self, path: str) -> bool:
        """Whether the file of this path, relative to the folder of `.dockerignore`, is left out."""
        parts = path.split("/")
        itself_and_above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        left_out = False
        for exception, pattern in self._patterns:
            # Only a line that would change the answer is worth a look.
            if exception == left_out and any(map(pattern.fullmatch, itself_and_above)):
                left_out = not exception
        return left_out


def _expression(pattern: str) -> str:
    """Returns the pattern as a regular expression."""
    made = ""
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
            made += ".*" if at == len(pattern) else "(?:.*/)?"
        elif character == "*":
            made += "[^/]*"
        elif character == "?":
            made += "[^/]"
        elif character == "\\" and at < len(pattern):
            made += re.escape(pattern[at])
            at += 1
        elif character == "[":
            end = _end_of_brackets(pattern, at)
            made += "[" + pattern[at:end].replace("[", "\\[") + "]"
            at = end + 1
        else:
            made += re.escape(character)
    return made


def _end_of_brackets(pattern: str, at: int) -> int:
    first = at + 1 if pattern[at : at + 1] == "^" else at
    end = first
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    if end >= len(pattern) or end == first:
        raise re.error("brackets")
    return end
