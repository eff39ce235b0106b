"""How things are measured: wall time by hyperfine, memory by /proc, images by their blobs."""

import gzip
import json
import os
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

_INTERVAL = 0.05  # seconds between two looks at /proc


class Failed(Exception):
    """A measured command failed; the text is its last lines."""


def run(command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command that must succeed and return its standard output."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise Failed(f"{command[0]} exited with {done.returncode}:\n{tail}")
    return done.stdout


def seconds(command: str, *, cwd: Path, env: dict[str, str]) -> float:
    """Wall time of one run of a shell command, measured by hyperfine."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        run(
            ["hyperfine", "--runs", "1", "--style", "none", "--export-json", report.name, command],
            cwd=cwd,
            env=env,
        )
        result: float = json.loads(Path(report.name).read_text())["results"][0]["mean"]
        return result


class PeakMemory:
    """Peak of the summed proportional set size, in bytes, of a process and all its descendants."""

    def __init__(self, roots: Sequence[int]) -> None:
        """Watch the given process ids and whatever they start."""
        self._roots = set(roots)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def __enter__(self) -> "PeakMemory":
        """Start to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; `peak` holds the result."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_INTERVAL):
            self.peak = max(self.peak, sum(_pss(pid) for pid in descendants(self._roots)))


def descendants(roots: set[int]) -> set[int]:
    """Return the roots and every process below them that lives now."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    found = {pid for pid in roots if pid in parents}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Image:
    """An image as a registry on loopback holds it, read by skopeo."""

    def __init__(self, reference: str) -> None:
        """Copy the image into a temporary OCI layout; `reference` is ``host:port/name:tag``."""
        self._folder = tempfile.TemporaryDirectory()
        layout = Path(self._folder.name)
        run(["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{reference}", f"oci:{layout}:it"])
        self._blobs = layout / "blobs" / "sha256"
        index = json.loads((layout / "index.json").read_text())
        manifest = json.loads(self._blob(index["manifests"][0]["digest"]).read_text())
        self.layers: dict[str, int] = {layer["digest"]: layer["size"] for layer in manifest["layers"]}
        self._order: list[dict[str, Any]] = manifest["layers"]

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest.removeprefix("sha256:")

    @property
    def compressed(self) -> int:
        """Bytes of all layers as they travel."""
        return sum(self.layers.values())

    @property
    def unpacked(self) -> int:
        """Bytes of all files of the finished file system (hidden and removed ones left out)."""
        sizes: dict[str, int] = {}
        for layer in self._order:
            with gzip.open(self._blob(layer["digest"])) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                for member in tar:
                    name = os.path.normpath(member.name)
                    folder, base = os.path.split(name)
                    if base.startswith(".wh."):
                        gone = os.path.join(folder, base[4:]) if base != ".wh..wh..opq" else folder
                        sizes = {k: v for k, v in sizes.items() if k != gone and not k.startswith(f"{gone}/")}
                    else:
                        sizes[name] = member.size if member.isreg() else 0
        return sum(sizes.values())

    def new_bytes(self, older: "Image") -> int:
        """Compressed bytes of the layers that the older image lacks."""
        return sum(size for digest, size in self.layers.items() if digest not in older.layers)


def until_healthy(url: str, limit: float = 60) -> float:
    """Seconds until the URL first answers 200; polls loopback every 10 ms, at most `limit` seconds."""
    import urllib.error
    import urllib.request

    start = time.perf_counter()
    while (now := time.perf_counter() - start) < limit:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback, http
                if answer.status == 200:
                    return time.perf_counter() - start
        except (OSError, urllib.error.URLError):
            time.sleep(0.01)
    raise Failed(f"{url} did not answer 200 within {now:.0f} s")
