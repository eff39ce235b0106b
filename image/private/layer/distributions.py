"""Sub-command `distributions`: installed Python distributions → one layer below `site-packages`.

Options:
    --distribution=LABEL:ROOT  repeatable: its name and version for messages, and the site-packages
                               folder on this machine whose files are its own
    --file=PATH                repeatable: each installed file, below one of the ROOTs
    --script=PATH              repeatable: each script of a wheel's `.data/scripts`, in ROOT/../bin
    --environment=DIR          the virtual environment's place in the image, such as app/.venv
    --bytecode=1               compile every .py (0: leave that to the container's first start)
    --strip=1                  take debug sections out of ELF files (0: leave them as they are)
    --level=N                  zlib's level, 1 to 9
    --output=PATH              the .tar.gz

Adds what an installer would: console scripts from `entry_points.txt` (the entry points
specification), and a RECORD that lists what the layer really holds (the "recording installed
projects" specification; bytecode rows have no hash, as pip writes them).
"""

from __future__ import annotations

import sys
import warnings

from layer import elf, tarball
from layer.errors import LayerError
from layer.pyc import cache_path, compile_source
from layer.scripts import console_scripts, with_interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from layer.options import Options

# From site-packages up to the virtual environment's root.
_UP = "../../.."


class Distribution:
    """One installed distribution: its files on this machine by their path below site-packages."""

    def __init__(self, label: str, root: str) -> None:
        self.label = label
        self.root = root.rstrip("/") + "/"
        self.bin = self.root.rstrip("/").rpartition("/")[0] + "/bin/"
        self.files: dict[str, str] = {}
        self.scripts: dict[str, str] = {}

    def own(self, path: str) -> bool:
        """Takes a file in if it lies in one of the folders of this distribution."""
        if path.startswith(self.root):
            self.files[path.removeprefix(self.root)] = path
        elif path.startswith(self.bin):
            self.scripts[path.removeprefix(self.bin)] = path
        else:
            return False
        return True


def run(options: Options) -> None:
    """Makes the layer."""
    environment = options.one("environment")
    distributions = []
    for value in options.many("distribution"):
        label, _, root = value.partition(":")
        distributions.append(Distribution(label, root))
    for path in [*options.many("file"), *options.many("script")]:
        if not any(distribution.own(path) for distribution in distributions):
            raise LayerError(f"{path} lies in none of the distributions' folders")
    # A dependency's doubtful escape sequences are its authors' business.
    warnings.simplefilter("ignore")
    tarball.save(
        (
            entry
            # One fixed order of compilation, whatever the order of the arguments.
            for distribution in sorted(distributions, key=lambda one: one.label)
            for entry in entries(
                distribution,
                environment,
                bytecode=options.one("bytecode", "1") == "1",
                strip=options.one("strip", "1") == "1",
            )
        ),
        options.one("output"),
        level=int(options.one("level", "6")),
    )


def entries(
    distribution: Distribution, environment: str, *, bytecode: bool = True, strip: bool = True
) -> Iterator[tarball.Entry]:
    """Yields what the layer holds of one distribution.

    Raises:
        LayerError: its metadata names an entry point that isn't `module:object`.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = f"{environment}/lib/{version}/site-packages/"
    record_path = ""
    # Path below site-packages → the content to record; None: as the wheel's own RECORD has it.
    rows: dict[str, bytes | None] = {}
    compiled: list[str] = []

    def file(path: str, content: bytes, mode: int) -> tarball.Entry:
        return tarball.Entry(path, "file", mode, content, source=distribution.label)

    for path, source in sorted(distribution.files.items()):
        if "__pycache__" in path.split("/"):
            continue  # made below, by the image's own interpreter
        if path.count("/") == 1 and path.endswith(".dist-info/RECORD"):
            record_path = path
            continue
        with open(source, "rb") as handle:
            content = handle.read()
        kept = elf.strip(content) if strip else content
        rows[path] = None if kept is content else kept
        yield file(folder + path, kept, tarball.file_mode(kept))
        if bytecode and path.endswith(".py"):
            try:
                code = compile_source(content, f"/{folder}{path}")
            except LayerError:
                continue  # a template, or a test's bad example: nothing imports it
            compiled.append(cache_path(path))
            yield file(folder + cache_path(path), code, 0o644)
        if path.count("/") == 1 and path.endswith(".dist-info/entry_points.txt"):
            made = console_scripts(content.decode(), f"/{environment}", distribution.label)
            for name, script in sorted(made.items()):
                rows[f"{_UP}/bin/{name}"] = script
                yield file(f"{environment}/bin/{name}", script, 0o755)
    for name, source in sorted(distribution.scripts.items()):
        with open(source, "rb") as handle:
            script = with_interpreter(handle.read(), f"/{environment}")
        rows[f"{_UP}/bin/{name}"] = script
        yield file(f"{environment}/bin/{name}", script, 0o755)
    if record_path:
        with open(distribution.files[record_path], encoding="utf-8", newline="") as text:
            record = _record(text.read(), rows, compiled, record_path, distribution)
        yield file(folder + record_path, record, 0o644)


def _record(
    old: str,
    rows: dict[str, bytes | None],
    compiled: list[str],
    record_path: str,
    distribution: Distribution,
) -> bytes:
    """Returns RECORD's new text: the rows of what is in the layer, sorted."""
    import base64
    import csv
    import hashlib
    import io

    known = {row[0]: row for row in csv.reader(old.splitlines()) if row}
    lines = [[record_path, "", ""], *([path, "", ""] for path in compiled)]
    for path, content in rows.items():
        if content is None and path in known:
            lines.append(known[path])
            continue
        if content is None:
            with open(distribution.files[path], "rb") as handle:
                content = handle.read()
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append([path, f"sha256={digest}", str(len(content))])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(sorted(lines))
    return text.getvalue().encode()
