"""Sub-command `distributions`: installed Python distributions → one layer of a virtual environment.

Options; the first three are repeated together, once for each distribution:
    --distribution=LABEL  its name and version, for messages
    --root=DIR            its site-packages folder on this machine; `bin` and `data` lie beside it
    --listing=PATH        its files, one a line: SHA-256, size, path in the virtual environment
    --environment=DIR     the virtual environment's place in the image, such as app/.venv
    --bytecode=1          compile every .py (0: leave that to the container's first start)
    --strip=1             take debug sections out of ELF files (0: leave them as they are)
    --level=N             zlib's level, 1 to 9
    --output=PATH         the .tar.gz

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

_SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/"


class Distribution:
    """One installed distribution.

    Attributes:
        label: its name and version, for messages.
        root: its site-packages folder on this machine.
        files: path in the virtual environment → SHA-256 (hexadecimal) and size in bytes.
    """

    def __init__(self, label: str, root: str, listing: str) -> None:
        self.label = label
        self.root = root
        self.files: dict[str, tuple[str, int]] = {}
        for line in listing.split("\n")[:-1]:
            digest, size, path = line.split(" ", 2)
            self.files[path] = (digest, int(size))

    def read(self, path: str) -> bytes:
        """Returns the content of the file at `path` of the virtual environment."""
        if path.startswith(_SITE_PACKAGES):
            source = f"{self.root}/{path.removeprefix(_SITE_PACKAGES)}"
        elif path.startswith("bin/"):
            source = f"{self.root}/../{path}"
        else:
            source = f"{self.root}/../data/{path}"
        with open(source, "rb") as file:
            return file.read()


def run(options: Options) -> None:
    """Makes the layer."""
    distributions = []
    for label, root, listing in zip(
        options.many("distribution"), options.many("root"), options.many("listing"), strict=True
    ):
        with open(listing, encoding="utf-8") as file:
            distributions.append(Distribution(label, root, file.read()))
    # A dependency's doubtful escape sequences are its authors' business.
    warnings.simplefilter("ignore")
    tarball.save(
        (
            entry
            # One fixed order of compilation, whatever the order of the arguments.
            for distribution in sorted(distributions, key=lambda one: one.label)
            for entry in entries(
                distribution,
                options.one("environment"),
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
    label = distribution.label
    record = ""
    rows: dict[str, str] = {}
    added: dict[str, bytes] = {}

    def entry(path: str, content: bytes, mode: int) -> tarball.Entry:
        return tarball.Entry(f"{environment}/{path}", "file", mode, content, source=label)

    for path, (digest, size) in sorted(distribution.files.items()):
        if "__pycache__" in path.split("/"):
            continue  # made below, by the image's own interpreter
        if _is_metadata(path, "RECORD"):
            record = path
            continue
        content = distribution.read(path)
        kept = elf.strip(content) if strip else content
        if path.startswith("bin/"):
            kept = with_interpreter(content, f"/{environment}")
        rows[path] = _row(digest, size) if kept is content else _row_of(kept)
        yield entry(path, kept, tarball.file_mode(kept))
        if bytecode and path.endswith(".py"):
            try:
                code = compile_source(content, f"/{environment}/{path}")
            except LayerError:
                continue  # a template, or a test's bad example: nothing imports it
            rows[cache_path(path)] = ","
            yield entry(cache_path(path), code, 0o644)
        if _is_metadata(path, "entry_points.txt"):
            added = console_scripts(content, f"/{environment}", label)
    for name, script in sorted(added.items()):
        rows[f"bin/{name}"] = _row_of(script)
        yield entry(f"bin/{name}", script, 0o755)
    if record:
        rows[record] = ","
        yield entry(record, _record(rows), 0o644)


def _is_metadata(path: str, name: str) -> bool:
    folder, _, last = path.removeprefix(_SITE_PACKAGES).rpartition("/")
    return last == name and folder.endswith(".dist-info") and "/" not in folder


def _row(digest: str, size: int) -> str:
    """Returns what follows the path in a row of RECORD."""
    import binascii

    text = binascii.b2a_base64(bytes.fromhex(digest), newline=False).decode()
    return f"sha256={text.translate({ord('+'): '-', ord('/'): '_', ord('='): None})},{size}"


def _row_of(content: bytes) -> str:
    import hashlib

    return _row(hashlib.sha256(content).hexdigest(), len(content))


def _record(rows: dict[str, str]) -> bytes:
    """Returns RECORD's text, with paths relative to site-packages."""
    up = "../" * _SITE_PACKAGES.count("/")
    lines = []
    for path, rest in rows.items():
        inside = path.startswith(_SITE_PACKAGES)
        name = path.removeprefix(_SITE_PACKAGES) if inside else up + path
        if any(character in name for character in ',"\r\n'):
            name = '"' + name.replace('"', '""') + '"'  # as the csv module quotes
        lines.append(f"{name},{rest}\n")
    return "".join(sorted(lines)).encode()
