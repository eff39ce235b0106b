"""The private root file system on disk. A folder that has its final name is whole."""

from __future__ import annotations

import os

from . import namespace, recipe
from .problem import Problem

# Debian's CA bundle. A host that has none gets the one that comes with the root file system.
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


class Root:
    """A finished root file system.

    Attributes:
      folder: `tree/` is the root, `mount/` the empty folder it is mounted on, `made` the record.
      bazel: version of the Bazel in it.
      made: which set-up made it; differs between two set-ups of one recipe.
      took: seconds that the set-up took.
    """

    def __init__(self, folder: str, record: dict[str, str]) -> None:
        self.folder = folder
        self.bazel = record.get("bazel", "")
        self.made = record.get("made", "")
        self.took = record.get("took", "")

    @property
    def tree(self) -> str:
        return os.path.join(self.folder, "tree")

    def enter(self, checkout: str, paths: list[str]) -> None:
        """Makes it this process's root directory: see namespace.enter.

        Raises:
          Problem: the machine forbids namespaces, or something has removed a part of the root.
        """
        try:
            namespace.enter(
                self.tree,
                os.path.join(self.folder, "mount"),
                checkout=checkout,
                paths=[checkout, *paths],
                own_certificates=not os.path.isfile(BUNDLE),
            )
        except FileNotFoundError as error:
            raise Problem(
                f"the private root file system is damaged ({error.strerror}):"
                f" remove {self.folder}, then run again; it is set up anew"
            ) from None

    def run(self, checkout: str, command: list[str], paths: list[str]) -> int:
        """Runs a program inside, silently, and returns its exit code."""
        child = os.fork()
        if child == 0:
            try:
                self.enter(checkout, paths)
                nowhere = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(nowhere, stream)
                os.execve(command[0], command, {"PATH": "/usr/bin:/bin"})
            finally:
                os._exit(127)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def find(cache: str) -> Root | None:
    """The finished root file system of the present recipe, or None."""
    return load(os.path.join(cache, recipe.key()))


def load(folder: str) -> Root | None:
    """The root file system in `folder`, or None where there is none."""
    try:
        with open(os.path.join(folder, "made"), encoding="ascii") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Root(folder, dict(line.split(" ", 1) for line in lines))


def write_record(folder: str, record: dict[str, str]) -> None:
    with open(os.path.join(folder, "made"), "w", encoding="ascii") as file:
        file.writelines(f"{name} {value}\n" for name, value in record.items())
