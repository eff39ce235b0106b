"""The private root file system on disk. A folder that has its final name is whole."""

from __future__ import annotations

import os

from . import namespace, recipe
from .problem import Problem

# Debian's CA bundle. A host that has none gets the one that comes with the root file system.
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

_RECORD = {"bazel", "made", "took"}


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
        self.bazel = record["bazel"]
        self.made = record["made"]
        self.took = record["took"]

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
            raise self.damaged(error) from None

    def damaged(self, error: OSError) -> Problem:
        """The Problem of a tree of which something has removed a part."""
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        return Problem(
            f"the private root file system is damaged ({what}):"
            f" remove {self.folder}, then run again; it is set up anew"
        )

    def run(self, checkout: str, command: list[str], paths: list[str]) -> int:
        """Runs a program inside, silently, and returns its exit code.

        Raises:
          Problem: as `enter`.
        """
        reader, writer = os.pipe()  # closed by execve: what comes through was said before
        child = os.fork()
        if child == 0:
            try:
                self.enter(checkout, paths)
                nowhere = os.open(os.devnull, os.O_RDWR)
                for stream in range(3):
                    os.dup2(nowhere, stream)
                os.execve(command[0], command, {"PATH": "/usr/bin:/bin"})
            except Problem as problem:
                os.write(writer, problem.message.encode())
            except OSError as error:
                os.write(writer, self.damaged(error).message.encode())
            finally:
                os._exit(127)
        os.close(writer)
        with open(reader, encoding="utf-8") as pipe:
            message = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if message:
            raise Problem(message)
        return code


def find(cache: str) -> Root | None:
    """The finished root file system of the present recipe, or None."""
    return load(os.path.join(cache, recipe.key()))


def load(folder: str) -> Root | None:
    """The root file system in `folder`, or None where there is none, or no whole record of it."""
    try:
        with open(os.path.join(folder, "made"), encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    record = dict(line.split(" ", 1) for line in lines if " " in line)
    return Root(folder, record) if record.keys() >= _RECORD else None


def write_record(folder: str, record: dict[str, str]) -> None:
    with open(os.path.join(folder, "made"), "w", encoding="ascii") as file:
        file.writelines(f"{name} {value}\n" for name, value in record.items())
