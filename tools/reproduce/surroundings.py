"""The two surroundings in which the image is built, as unlike as this machine allows."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, field

# Of the one who starts us: they speak of the run that we were started by, or are what we vary.
_OWN = ("HOME", "USER", "LOGNAME", "TZ", "LANG", "LANGUAGE", "PWD", "OLDPWD", "UV_CACHE_DIR")
_OWN_STARTS = ("BAZEL", "BUILD_", "JAVA_RUNFILES", "LC_", "PYTHON", "RUNFILES", "TEST_", "XDG_")

# An uid that nobody has: no name, no home, no group.
_NOBODYS = 54321

_NOISE = {
    "CFLAGS": "-O0 -DNOISE",
    "FASTAPI_IMAGE_UV": "0.12.0",  # the other one that uv/private/binary.bzl pins
    "GZIP": "-1",
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LOGNAME": "reproducer",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "4242",
    "PYTHONOPTIMIZE": "2",
    "SOURCE_DATE_EPOCH": "1700000000",
    "TAR_OPTIONS": "--owner=reproducer",
    "TZ": "Pacific/Chatham",
    "USER": "reproducer",
    "UV_LINK_MODE": "copy",
    "ZIPOPT": "-1",
}


@dataclass
class Surroundings:
    """What one build runs in.

    Attributes:
        name: of the build, for messages.
        folder: holds all that the build writes; not there yet.
        checkout: copy of the sources.
        environment: all variables but HOME.
        umask: of every process.
        cpus: the CPUs that it may use.
        backwards: copy the sources in the reverse order.
        ids: user and group to become, or None.
        as_root: look like root, in a user namespace.
        days: by how much the actions' clock is ahead.
        workers: let persistent workers do actions; else each has its own process and sandbox.
        fresh_wheels: let uv fetch and unpack the wheels anew.
        notes: what could not be varied, and why.
    """

    name: str
    folder: str
    checkout: str
    environment: dict[str, str]
    umask: int = 0o022
    cpus: set[int] = field(default_factory=lambda: os.sched_getaffinity(0))
    backwards: bool = False
    ids: tuple[int, int] | None = None
    as_root: bool = False
    days: int = 0
    workers: bool = True
    fresh_wheels: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def home(self) -> str:
        return os.path.join(self.folder, "home")

    @property
    def output(self) -> str:
        """Bazel's output user root."""
        return os.path.join(self.folder, "output")

    @property
    def actions(self) -> str:
        """Bazel's account of what it ran, where the build is asked for one."""
        return os.path.join(self.folder, "actions.json")


def plain(folder: str) -> Surroundings:
    """As the one who starts us has them."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    settings = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "0", "TZ": "UTC", "USER": user}
    return Surroundings(
        name="first build",
        folder=folder,
        checkout=os.path.join(folder, "checkout"),
        environment={**_inherited(), **settings},
    )


def unlike(folder: str, mode: str) -> Surroundings:
    """Everything other than in `plain`, as far as this machine allows."""
    root = os.getuid() == 0 and _exists(_NOBODYS)
    cpus = os.sched_getaffinity(0)
    made = Surroundings(
        name="second build",
        folder=folder,
        checkout=os.path.join(folder, "another check out", "of the sources"),
        environment={**_inherited(), **_NOISE},
        umask=0o077,
        cpus={max(cpus)},
        backwards=True,
        ids=(_NOBODYS, _NOBODYS) if root else None,
        as_root=os.getuid() != 0,
        days=4000 if mode == "mirror" else 0,
        workers=False,
        fresh_wheels=True,
    )
    if len(cpus) == 1:
        made.notes.append("number of CPUs: there is one")
    if not root and not made.as_root:
        made.notes.append("user: this root can become nobody else")
    if mode != "mirror":
        made.notes.append("clock: in mirror mode only, where the actions' /etc is ours to replace")
    return made


def _exists(uid: int) -> bool:
    """Whether root can become it: in a container's user namespace perhaps not."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        ranges = [[int(word) for word in line.split()] for line in file]
    return any(first <= uid < first + count for first, _, count in ranges)


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _OWN and not name.startswith(_OWN_STARTS)
    }
