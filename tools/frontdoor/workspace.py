"""The checkout, the cache folder, and the mode that is kept in `user.bazelrc`."""

from __future__ import annotations

import os

from .problem import Problem

MODES = ("hub", "mirror")
_PREFIX = "common --config="
_AS_IT_IS = "surrogateescape"  # the user's own lines need not be UTF-8


def checkout() -> str:
    """The workspace that this front door belongs to."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def home() -> str:
    """The user's home; from the password database where HOME is not set."""
    found = os.environ.get("HOME")
    if not found:
        import pwd

        try:
            found = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            raise Problem(
                f"HOME is not set, and user {os.getuid()} has no entry in /etc/passwd: set HOME"
            ) from None
    return found


def cache() -> str:
    """Our folder in the user's cache (XDG Base Directory Specification); perhaps not there yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(home(), ".cache")
    return os.path.join(base, "fastapi_image")


def kept_mode(folder: str) -> str | None:
    """The mode in the checkout's `user.bazelrc`, or None while none was chosen."""
    for line in _lines(folder):
        mode = line.removeprefix(_PREFIX).strip()
        if line.startswith(_PREFIX) and mode in MODES:
            return mode
    return None


def keep_mode(folder: str, mode: str) -> None:
    """Writes the mode to `user.bazelrc` and leaves the user's other lines as they are."""
    path = os.path.join(folder, "user.bazelrc")
    temporary = f"{path}.{os.getpid()}"
    try:
        choices = [_PREFIX + known for known in MODES]
        lines = [_PREFIX + mode, *(line for line in _lines(folder) if line.strip() not in choices)]
        with open(temporary, "w", encoding="utf-8", errors=_AS_IT_IS) as file:
            file.write("\n".join(lines) + "\n")
        os.replace(temporary, path)
    except OSError as error:
        raise Problem(
            f"the mode can't be kept in {path} ({error.strerror}): make the checkout writable"
        ) from error


def _lines(folder: str) -> list[str]:
    path = os.path.join(folder, "user.bazelrc")
    try:
        with open(path, encoding="utf-8", errors=_AS_IT_IS) as file:
            return file.read().splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return []
    except OSError as error:
        raise Problem(
            f"{path} can't be read ({error.strerror}), and it keeps the mode: make it readable"
        ) from error
