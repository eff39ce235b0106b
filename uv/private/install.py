"""Install one locked distribution with uv, into the working directory.

`distribution_repository` runs this on the base image's interpreter. It leaves

    site-packages/  what belongs to the virtual environment's site-packages
    bin/            the wheel's own scripts (not the console scripts that uv makes)
    data/           what the wheel puts elsewhere in the environment: share/…, include/…
    listing         one line per file: SHA-256, size in bytes, path in the virtual environment

and prints a JSON object: wheel, sha256, size, licence, record (path of the RECORD file), packed.
When a name in the tree can't be a Bazel label, `packed` is true and each directory is a tar file
(site-packages.tar, …) instead. On failure it leaves nothing, prints one line to standard error and
exits with 1.
"""

import argparse
import errno
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Mapping
from pathlib import Path

# Started as a script: its package's root is two folders up.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from uv.private.settle import InstallError, settle

_DIRECTORIES = ("site-packages", "bin", "data")

# What a uv run of ours may learn from the user's environment: where from and how, never what.
_KEPT = re.compile(
    r"UV_(CACHE_DIR|DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|KEYRING_PROVIDER|CONFIG_FILE"
    r"|NO_CONFIG|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|OFFLINE|NO_CACHE|CREDENTIALS_DIR|HTTP_.*|.*_TIMEOUT"
    r"|CONCURRENT_.*)"
)

# What one wheel may unpack to: many times the largest that a small image could hold.
_MOST_BYTES = 8 << 30

_DISK_FULL = "the disk is full. Free some space, then build again."

_INDEX = "the index that this machine is configured for"

# uv's words → ours. uv's own are not passed on: they may hold the index's address and credentials.
_CAUSES = (
    (r"os error (28|122)\b", _DISK_FULL),
    (
        r"File too large \(os error 27\)",
        "the wheel is unsafe: it unpacks to more than {most}, as a zip bomb does.",
    ),
    (
        r"Hash mismatch for",
        "the index serves other bytes under this name than uv.lock pins (sha256 mismatch). Find "
        "out why; if the new file is right, "
        "`bazel run //:lock -- --upgrade-package {name}` pins it.",
    ),
    (
        r"no wheels with a matching|no usable wheels|no compatible wheels",
        "no wheel for {platform} and Python {python}, and nothing is built from source here. Take "
        "a version that has one, or put a wheel on the index and run "
        "`bazel run //:lock -- --upgrade-package {name}`.",
    ),
    (
        r"returned a 40[13]|valid authentication credentials|status code|HTTP status",
        f"{_INDEX} refuses the request. Check its address and credentials.",
    ),
    (
        r"was not found in the package registry|was not found in the provided",
        f"{_INDEX} does not have this package.",
    ),
    (
        r"there is no version of|[Nn]o version of",
        f"{_INDEX} does not have this version. "
        "`bazel run //:lock -- --upgrade-package {name}` takes one that it has.",
    ),
    (
        r"Failed to fetch|error sending request|network was disabled|client error|[Tt]imed? ?out",
        f"{_INDEX} can't be reached. Check the network, the proxy and uv's or pip's index setting.",
    ),
    (
        r"end of file before message length|error decoding response body|unexpected EOF"
        r"|connection (closed|reset)",
        f"the download was cut short. Build again; if that does not help, look at the proxy and "
        f"at {_INDEX}.",
    ),
    (
        r"unacceptable filename",
        "the wheel has an entry whose name uv does not accept.",
    ),
    (r"does not use UTF-8", "the wheel is damaged: it has an entry whose name is not UTF-8."),
    (r"File name too long", "the wheel has an entry whose name is too long for a file's."),
    (
        r"multiple entries with different contents",
        "the wheel is damaged: it has two entries of one name with different contents.",
    ),
    (
        r"reserved name|within the scripts directory",
        "the wheel is unsafe: one of its scripts would replace the interpreter, or lie outside of "
        "the environment.",
    ),
    (
        r"Failed to extract|Invalid zip|[Ii]nvalid wheel|RECORD|METADATA|dist-info",
        "the wheel is damaged or is not a valid wheel.",
    ),
)


def uv_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's environment, without the UV_ variables that change what is installed."""
    kept = {k: v for k, v in environ.items() if not k.startswith("UV_") or _KEPT.fullmatch(k)}
    # No installer metadata: its time stamps and paths would differ from run to run.
    return kept | {"UV_NO_INSTALLER_METADATA": "1", "RUST_LOG": "uv_resolver=debug,uv_extract=warn"}


def cause(log: str, **facts: str) -> str:
    """What went wrong, in one sentence, from what uv printed."""
    errors = log[max(log.find("error: "), 0) :]
    for pattern, sentence in _CAUSES:
        if re.search(pattern, errors):
            return sentence.format(**facts)
    last = errors.strip().splitlines()[-1:] or ["it said nothing"]
    said = last[0].strip().removeprefix("cause: ")
    return f"uv failed: {re.sub(r'[a-z+]+://[^ ]*', '<address>', said)}"


def run_bounded(
    command: list[str], env: Mapping[str, str], most_bytes: int
) -> subprocess.CompletedProcess[str]:
    """Run a command that can't write many more bytes to files than these.

    Then its writes fail, so that it tidies up after itself: a zip bomb must not fill the disk.
    """
    # Python ignores the signal that would kill a process at its first write over the limit, and
    # with restore_signals=False so does the command.
    with subprocess.Popen(  # noqa: S603 - no shell
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        restore_signals=False,
    ) as process:
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.02):
                try:
                    counts = Path(f"/proc/{process.pid}/io").read_text()  # proc(5)
                    if int(re.findall(r"wchar: (\d+)", counts)[0]) > most_bytes:
                        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
                        return
                except OSError:  # it has ended
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            stdout, stderr = process.communicate()
        finally:
            ended.set()
            watcher.join()
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _run_uv(arguments: argparse.Namespace, wheels: Mapping[str, str]) -> str:
    """Install into ./venv, from uv's cache if it can; returns uv's log."""
    hashes = " ".join(f"--hash=sha256:{digest}" for digest in wheels.values())
    Path("requirements.txt").write_text(f"{arguments.name}=={arguments.version} {hashes}\n")
    command = [
        arguments.uv,
        "pip",
        "install",
        f"--python={sys.executable}",
        "--prefix=venv",
        "--requirements=requirements.txt",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={arguments.python_version}",
        f"--python-platform={arguments.python_platform}",
        "--no-compile-bytecode",
        "--link-mode=hardlink",
        "--no-progress",
        "--color=never",
    ]
    for offline in (["--offline"], []):
        shutil.rmtree("venv", ignore_errors=True)
        done = run_bounded(command + offline, uv_environment(os.environ), arguments.most_bytes)
        if done.returncode == 0:
            return done.stderr
    raise InstallError(cause(done.stderr, **_facts(arguments)))


def _facts(arguments: argparse.Namespace) -> dict[str, str]:
    return {
        "most": f"{arguments.most_bytes:,} bytes",
        "name": arguments.name,
        "platform": arguments.platform,
        "python": arguments.python_version,
    }


def selected(log: str, wheels: Mapping[str, str]) -> str:
    """The wheel that uv chose, by uv's own log."""
    if len(wheels) == 1:
        return next(iter(wheels))
    found = re.search(r"Selecting: \S+ \[[^\]]*\] \((\S+\.whl)\)", log)
    if found and found[1] in wheels:
        return found[1]
    # uv prints the name normalised; the last three fields (PEP 427) tell a version's wheels apart.
    tags = found[1].rsplit("-", 3)[1:] if found else None
    same = [wheel for wheel in wheels if wheel.rsplit("-", 3)[1:] == tags]
    if len(same) != 1:
        raise InstallError("uv did not say which of the locked wheels it took.")
    return same[0]


def install(arguments: argparse.Namespace) -> dict[str, object]:
    """Install the distribution into the working directory; returns its facts."""
    wheels: dict[str, str] = json.loads(arguments.wheels)
    if not wheels:
        raise InstallError(cause("error: no usable wheels", **_facts(arguments)))
    log = _run_uv(arguments, wheels)
    if unsafe := re.search(r"Skipping unsafe file name: (.*)", log):
        # uv leaves the entry out and says so only when it unpacks: let it unpack again next time.
        subprocess.run(  # noqa: S603 - the pinned uv, and no shell
            [arguments.uv, "cache", "clean", "--quiet", arguments.name],
            env=uv_environment(os.environ),
            check=False,
        )
        raise InstallError(
            f"the wheel is unsafe: its entry {unsafe[1]!r} lies outside of the environment."
        )
    wheel = selected(log, wheels)
    venv = Path("venv").absolute()
    (venv / ".lock").unlink(missing_ok=True)
    facts = settle(venv, arguments.python_version)
    library = venv / "lib" / f"python{arguments.python_version}"
    (library / "site-packages").rename("site-packages")
    library.rmdir()
    library.parent.rmdir()
    if (venv / "bin").is_dir():
        (venv / "bin").rename("bin")
    venv.rename("data")
    if facts["packed"]:
        for directory in filter(os.path.isdir, _DIRECTORIES):
            pack(Path(directory), Path(f"{directory}.tar"))
            shutil.rmtree(directory)
    return {"wheel": wheel, "sha256": wheels[wheel], **facts}


def pack(directory: Path, archive: Path) -> None:
    """Write the directory's files to a tar, in one order and without times and owners."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                info = tarfile.TarInfo(str(path.relative_to(directory)))
                info.size = path.stat().st_size
                info.mode = 0o755 if path.stat().st_mode & 0o111 else 0o644
                with path.open("rb") as content:
                    tar.addfile(info, content)


def main() -> None:
    """Command line: see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uv", required=True, help="path of the uv binary")
    parser.add_argument("--name", required=True, help="normalised name of the distribution")
    parser.add_argument("--version", required=True)
    parser.add_argument(
        "--wheels", required=True, help="JSON object: file name of each locked wheel → SHA-256"
    )
    parser.add_argument(
        "--platform", required=True, help="platform for messages, such as linux/arm64"
    )
    parser.add_argument("--python-platform", required=True, help="platform as uv names it")
    parser.add_argument("--python-version", required=True, help="such as 3.13")
    parser.add_argument(
        "--most-bytes", type=int, default=_MOST_BYTES, help="that one wheel may unpack to"
    )
    arguments = parser.parse_args()
    try:
        try:
            facts = install(arguments)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise InstallError(_DISK_FULL if full else str(error)) from error
    except InstallError as error:
        for leftover in ("venv", *_DIRECTORIES):
            shutil.rmtree(leftover, ignore_errors=True)
        for leftover in ("listing", "requirements.txt", *(f"{name}.tar" for name in _DIRECTORIES)):
            Path(leftover).unlink(missing_ok=True)
        sys.exit(f"{arguments.name} {arguments.version}: {error}")
    Path("requirements.txt").unlink()
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
