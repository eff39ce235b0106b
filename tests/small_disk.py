"""Runs a command with a small disk at a folder: small_disk.py FOLDER BYTES COMMAND…

The disk is memory, in a mount namespace of the command's own. Needs nothing but that user
namespaces are allowed; where they are not, it ends with 77 and a line that begins `unshare: `.
"""

import ctypes
import os
import sys
from pathlib import Path

# mount(2)
_RECURSIVE, _PRIVATE = 1 << 14, 1 << 18
SKIPPED = 77


def main(folder: str, size: str, *command: str) -> None:
    """Replaces this process by the command."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNS)
    except OSError as error:
        print(f"unshare: {error}", file=sys.stderr)
        sys.exit(SKIPPED)
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "gid_map").write_text(f"{gid} {gid} 1")
    (own / "uid_map").write_text(f"{uid} {uid} 1")
    libc = ctypes.CDLL(None, use_errno=True)
    private = libc.mount(b"none", b"/", None, ctypes.c_ulong(_RECURSIVE | _PRIVATE), None)
    data = f"size={size}".encode()
    if private or libc.mount(b"tmpfs", folder.encode(), b"tmpfs", ctypes.c_ulong(0), data):
        sys.exit(f"mount {folder}: {os.strerror(ctypes.get_errno())}")
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
