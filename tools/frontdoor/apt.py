"""A private apt: the machine's configuration for fetching, and nothing else of the machine.

It has its own sources, lists, cache and an empty package database, so the host's stay as they are,
and no privileges are needed. Works with the apt of Debian 11 and later.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time

from . import recipe
from .addresses import without_password
from .problem import DiskFull, Problem
from .progress import Progress
from .sources import VARIABLE, Source

# Indexes and translations that other programs ordered; keys that we set ourselves.
_NOT_TAKEN = ("Acquire::IndexTargets", "Acquire::Languages")


class Apt:
    """apt-get with everything under `folder`.

    Args:
      folder: where to keep configuration, lists and packages; kept between runs, so that an
        interrupted download goes on.
      source: Debian's archive.
      lock: a file descriptor that children inherit: as long as one of them lives, so does the lock.
      progress: told what is going on.
    """

    def __init__(self, folder: str, source: Source, lock: int, progress: Progress) -> None:
        self.packages = os.path.join(folder, "packages")
        self._folder = folder
        self._source = source
        self._lock = lock
        self._progress = progress
        # In memory: on a full disk, what apt says about it must still arrive.
        self._log = os.memfd_create("apt")
        for name in ("lists/partial", "packages/partial", "none/partial"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self._environment = {
            **os.environ,
            "APT_CONFIG": self._write("apt.conf", self._configuration()),
            "LC_ALL": "C",
        }

    def update(self) -> None:
        """Fetches the package lists."""
        self._check(["update", "-q"], "fetching package lists")

    def plan(self) -> dict[str, int]:
        """The packages to fetch: file name → size in bytes."""
        # Packages of an interrupted run would be missing in the answer: look into an empty folder.
        options = ["-qq", "-y", "--print-uris", f"-oDir::Cache::archives={self._folder}/none"]
        output = self._check(["install", *options, *recipe.PACKAGES], "resolving packages")
        sizes = {}
        for line in output.splitlines():
            if line.startswith("'"):
                _, name, size, *_ = line.split()
                sizes[name] = int(size)
        if not any(name.startswith("base-files_") for name in sizes):
            raise self._problem("resolving packages")
        return sizes

    def download(self) -> subprocess.Popen[bytes]:
        """Starts fetching; a package appears in `packages` once its checksum has been verified."""
        return self._start(["install", "-q", "-y", "--download-only", *recipe.PACKAGES])

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Raises a Problem where the download failed."""
        if process.wait():
            raise self._problem("fetching packages")

    def fetched(self) -> int:
        """Bytes fetched so far, unfinished packages included."""
        total = 0
        for folder in (self.packages, os.path.join(self.packages, "partial")):
            for entry in os.scandir(folder):
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:  # it has just moved from partial
                    continue
        return total

    def _configuration(self) -> str:
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
        taken = [
            line
            for line in dump.stdout.splitlines()
            if line.startswith(("Acquire::", "Dir::Bin", "Dir::Etc::netrc", "Dir::Etc::trusted"))
            and not line.startswith(_NOT_TAKEN)
        ]
        # Relative to the host's /etc/apt, which is no longer Dir::Etc.
        taken = [_absolute(line) for line in taken]
        own = {
            "APT::Architecture": recipe.ARCHITECTURES[os.uname().machine],
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Dir::Etc::main": os.devnull,
            "Dir::Etc::parts": os.devnull,
            "Dir::Etc::preferences": os.devnull,
            "Dir::Etc::preferencesparts": os.devnull,
            "Dir::Etc::sourcelist": self._write("debian.sources", self._sources()),
            "Dir::Etc::sourceparts": os.devnull,
            "Dir::State": self._folder,
            "Dir::State::lists": os.path.join(self._folder, "lists"),
            "Dir::State::status": self._write("status", _status()),
            "Dir::Cache": self._folder,
            "Dir::Cache::archives": self.packages,
            "Dir::Log": os.devnull,
        }
        # A mirror that is down is reported within a minute, unless the machine has other wishes.
        patience = ['Acquire::Retries "1";', 'Acquire::http::Timeout "15";']
        patience += ['Acquire::https::Timeout "15";']
        return "\n".join(
            [*patience, *taken, *(f'{name} "{value}";' for name, value in own.items()), ""]
        )

    def _sources(self) -> str:
        address = self._source.address
        if address.startswith("file:"):
            # Else apt takes packages where they are, and none appears in our folder.
            address = "copy:" + address.removeprefix("file:")
        fields = {
            "Types": "deb",
            "URIs": address,
            "Suites": recipe.SUITE,
            "Components": "main",
            **self._source.options,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items())

    def _write(self, name: str, text: str) -> str:
        path = os.path.join(self._folder, name)
        # The address may hold a password.
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return path

    def _start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        os.ftruncate(self._log, 0)
        os.lseek(self._log, 0, os.SEEK_SET)
        return subprocess.Popen(
            ["apt-get", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            pass_fds=(self._lock,),
        )

    def _check(self, arguments: list[str], doing: str) -> str:
        process = self._start(arguments)
        while process.poll() is None:
            self._progress.update(doing)
            time.sleep(0.1)
        if process.returncode:
            raise self._problem(doing)
        return self._output()

    def _output(self) -> str:
        return os.pread(self._log, os.fstat(self._log).st_size, 0).decode(errors="replace")

    def _problem(self, doing: str) -> Problem:
        """One line out of apt's many: its first error, and what helps against it."""
        output = self._output()
        lines = output.splitlines() or ["apt-get said nothing"]
        first = next((n for n, line in enumerate(lines) if line.startswith(("E:", "Err:"))), -1)
        # The reason of an Err line is in the next one.
        text = " ".join(lines[first : first + 2] if first >= 0 else lines[-1:])
        where = without_password(self._source.address)
        otherwise = f"check the network and the proxy, or name another mirror with {VARIABLE}"
        remedy = next((text for sign, text in _REMEDIES if sign in output), otherwise)
        if shutil.disk_usage(self._folder).free < _NO_ROOM:
            remedy = _FREE
        text = text.replace(self._source.address, where)
        kind = DiskFull if remedy == _FREE else Problem
        return kind(f"{doing} from {where} failed ({text}): {remedy}, then run again")


_FREE = "free some space"
_NO_ROOM = 32_000_000  # bytes; less than that, and apt fails in many ways
_REMEDIES = (
    ("No space left", _FREE),
    ("don't have enough free space", _FREE),
    ("NO_PUBKEY", "install a newer debian-archive-keyring"),
    ("is not signed", "install debian-archive-keyring"),
    ("is expired", "correct the clock or take a mirror that is kept up to date"),
    ("is not valid yet", "correct the clock"),
    ("Unable to locate package", f"take a full Debian mirror with suite {recipe.SUITE}"),
    ("does not have a Release file", f"take a mirror that carries suite {recipe.SUITE}"),
)


def _status() -> str:
    """The package database of an empty system, in which what is left out counts as installed."""
    return "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\n"
        "Maintainer: nobody <nobody@example.invalid>\nVersion: 99:0\nDescription: left out\n\n"
        for name in recipe.LEFT_OUT
    )


def _absolute(line: str) -> str:
    name, _, value = line.partition(" ")
    value = value.strip('";')
    if name.startswith("Dir::Etc::") and value and not os.path.isabs(value):
        return f'{name} "/etc/apt/{value}";'
    return line
