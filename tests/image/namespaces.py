"""The inside of container.py, a program of its own: only a single thread may change its namespaces.

namespaces.py enter ROOT USER WORKDIR ENVIRONMENT COMMAND…    (ENVIRONMENT is JSON)
namespaces.py ask PID PORT PATH SECONDS
"""

import ctypes
import fcntl
import http.client
import json
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import NoReturn

# mount(2)
_NOSUID, _NODEV, _NOEXEC, _READ_ONLY, _REMOUNT, _BIND = 2, 4, 8, 1, 32, 4096
_RECURSIVE, _PRIVATE = 1 << 14, 1 << 18
# prctl(2)
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS = 1, 24, 38
# netdevice(7)
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    words = [word.encode() for word in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def _unshare(user: int) -> None:
    """Leaves the machine's namespaces, as this user."""
    uid, gid = os.geteuid(), os.getegid()
    try:
        os.unshare(
            os.CLONE_NEWUSER
            | os.CLONE_NEWNS
            | os.CLONE_NEWNET
            | os.CLONE_NEWPID
            | os.CLONE_NEWIPC
            | os.CLONE_NEWUTS
        )
    except OSError as error:
        sys.exit(f"unshare: {error}")
    # One user is all that can be mapped without privileges. So the files of the root, too, are this
    # user's: the read-only mount alone keeps them from being written.
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny")
    (own / "gid_map").write_text(f"{user} {gid} 1")
    (own / "uid_map").write_text(f"{user} {uid} 1")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def _wait(child: int) -> NoReturn:
    """Hands SIGTERM to the child, and ends with its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(code if code >= 0 else 128 - code)


def enter(root: str, user: str, workdir: str, environment: str, *command: str) -> NoReturn:
    """Runs a command as process 1 of a new container, restricted as a pod may be."""
    _unshare(int(user))
    if child := os.fork():
        _wait(child)
    _checked(_libc.prctl(_PDEATHSIG, signal.SIGKILL), "PR_SET_PDEATHSIG")
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    _mount(root, root, "", _BIND)
    _mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _mount("/dev", f"{root}/dev", "", _BIND | _RECURSIVE)
    scratch = f"{root}/tmp"  # noqa: S108  the container's own
    _mount("tmpfs", scratch, "tmpfs", _NOSUID | _NODEV | _NOEXEC, "mode=1777,size=64m")
    # What the file system is mounted with can't be taken off here; statvfs(3) has the same numbers.
    kept = os.statvfs(root).f_flag & (_NOSUID | _NODEV | _NOEXEC)
    _mount("none", root, "", _BIND | _REMOUNT | _READ_ONLY | kept)
    os.chroot(root)
    os.chdir(workdir)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        _checked(_libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    # The kernel drops every other capability here, as the user isn't 0.
    os.execvpe(command[0], command, json.loads(environment))  # noqa: S606


def ask(pid: str, port: str, path: str, seconds: str) -> None:
    """Prints status, body and seconds waited, of a GET within a container's network."""
    start, problem, joined = time.monotonic(), "was never asked", False
    while time.monotonic() - start < float(seconds):
        try:
            if not joined:
                # Refused as long as the other process is still in the namespaces of this one.
                os.setns(os.pidfd_open(int(pid)), os.CLONE_NEWUSER | os.CLONE_NEWNET)
                joined = True
            server = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
            server.request("GET", path)
            answer = server.getresponse()
            body = answer.read().decode()
            print(json.dumps([answer.status, body, time.monotonic() - start]))
            return
        except (OSError, http.client.HTTPException) as error:
            problem = repr(error)
        time.sleep(0.02)
    sys.exit(f"port {port} does not answer: {problem}")


if __name__ == "__main__":
    arguments = sys.argv[2:]
    if sys.argv[1] == "enter":
        enter(*arguments)
    ask(*arguments)
