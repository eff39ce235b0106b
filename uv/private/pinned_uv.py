"""Run the pinned uv on a project, and say in one line what it found wrong."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

# What would send uv to another project or keep it from locking, and what Bazel's launcher of Python
# sets for itself and a build backend must not see.
_DROPPED = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSAFEPATH",
    "UV_FROZEN",
    "UV_LOCKED",
    "UV_NO_PROJECT",
    "UV_PROJECT",
    "UV_WORKING_DIR",
    "UV_WORKING_DIRECTORY",
)

_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s`'\")]*")

DISK_FULL = "The disk is full. Free some space, then run this again"
NO_PYTHON = (
    "This machine has no Python that the project takes ({wanted}). Put one on PATH, or change "
    "requires-python or .python-version"
)

# uv's words → ours, where uv's remedy would not help here.
_CAUSES = (
    (
        r"Required uv version `(?P<wanted>.*?)` does not match the running version `(?P<has>.*?)`",
        "required-version of [tool.uv] asks for uv {wanted}, and the uv pinned here is {has}. Run "
        "`uv lock` of that version yourself: a build takes its lock as it is. Or widen "
        "required-version",
    ),
    (r"is incompatible with the project's Python requirement: (?P<wanted>`[^`]*`)", NO_PYTHON),
    (r"No interpreter found for (?P<wanted>.*?) in (?:managed|search|virtual)", NO_PYTHON),
    (r"Failed to download `[^`]*/(?P<wanted>c?python-\d+\.\d+)", NO_PYTHON),
    # uv reads what is static by itself, and would have setuptools tell it the rest.
    (
        r"must be pep508|Failed to resolve requirements from `setup.py` build",
        "pyproject.toml has a requirement that is not valid (PEP 508), or declares its "
        "dependencies dynamic without a [build-system]. Fix it",
    ),
    (
        r"error: Failed to fetch: (?s:.*)cause: (?P<why>[^\n]*)",
        "The package index that this machine is configured for can't be used ({why}). Check its "
        "address and credentials, the network and the proxy",
    ),
    (r"os error (28|122)\b", DISK_FULL),
)


class UvError(Exception):
    """uv can't do it; the message is one line for the user, and `said` is all that uv said."""

    def __init__(self, said: str) -> None:
        super().__init__(_reason(said))
        self.said = said

    @property
    def lacks_python(self) -> bool:
        """Whether all that was missing is a Python that the project takes."""
        return str(self).startswith(NO_PYTHON.partition("(")[0])

    @property
    def misfit(self) -> str:
        """Why a lock does not fit, from what `uv lock --check --verbose` says; "" if it fits."""
        found = re.search(r"Resolving despite existing lockfile due to (.*)", self.said)
        if not found:
            return ""
        # uv shows both lists; what is in one of them alone is what has changed.
        lists = re.findall(r"^  (?:Requested|Existing): (.*)$", self.said[found.end() :], re.M)
        requirement = r'(name: PackageName\("([^"]*)"\).*?origin: )'
        former, latter = ({*re.findall(requirement, text)} for text in [*lists, "", ""][:2])
        names = sorted({name for _, name in former ^ latter})
        return found[1].strip() + (f" ({', '.join(names)})" if names else "")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, in which uv finds this interpreter after all others."""
    kept = {name: value for name, value in environ.items() if name not in _DROPPED}
    search = [*kept.get("PATH", os.defpath).split(os.pathsep), str(Path(sys.executable).parent)]
    return kept | {"PATH": os.pathsep.join(search)}


def run(uv: str, folder: Path, *arguments: str, env: Mapping[str, str]) -> tuple[str, str]:
    """Run uv in the folder; returns its output and what it said besides, without addresses.

    UvError when it fails.
    """
    done = subprocess.run(  # noqa: S603 - the pinned uv, and no shell
        [uv, *arguments, "--color=never", "--no-progress"],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise UvError(done.stderr)
    return done.stdout, re.sub(
        r"^Using .* interpreter at: .*\n", "", _ADDRESS.sub("<address>", done.stderr)
    )


def _reason(said: str) -> str:
    """What uv says is wrong, as one line without addresses, which may hold credentials.

    uv draws the place in a file between its words, and shows all that a build backend printed:
    neither is part of the line.
    """
    for pattern, sentence in _CAUSES:
        if found := re.search(pattern, said):
            return _ADDRESS.sub("<address>", sentence.format(**found.groupdict()))
    # uv warns of a file that it can't parse before it fails because of that.
    error = _ADDRESS.sub("<address>", said).rpartition("error: ")[2]
    error, _, output = error.partition("[stdout]")
    error, _, more = error.partition("[stderr]")
    lines = [line.strip() for line in error.splitlines()]
    words = [line.removeprefix("cause: ") for line in lines if not re.match(r"\d* ?\||$", line)]
    # Of what a build backend printed, the exception that ended it.
    words += re.findall(r"^ *([\w.]*(?:Error|Exception)\b.*)$", output + more, re.M)[-1:]
    return ": ".join(words).rstrip(".") or "uv failed and said nothing"
