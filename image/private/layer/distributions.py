"""Sub-command `distributions`: wheels → one layer of a virtual environment.

Options; the first two are repeated together, once for each distribution:
    --distribution=LABEL  its name and version, for messages
    --wheel=PATH          its wheel
    --lost=PATH           JSON, name → paths at which another distribution's file wins; repeated
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

import json
import sys
import warnings

from wheels.errors import WheelError
from wheels.layout import SITE_PACKAGES
from wheels.wheel import read

from layer import elf, tarball
from layer.errors import LayerError
from layer.pyc import cache_path, compile_source
from layer.scripts import console_script, with_interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wheels.wheel import Wheel

    from layer.options import Options


def run(options: Options) -> None:
    """Makes the layer."""
    lost: dict[str, set[str]] = {}
    for path in options.many("lost"):
        with open(path, encoding="utf-8") as file:
            for name, paths in json.load(file).items():
                lost.setdefault(name, set()).update(paths)
    pairs = zip(options.many("distribution"), options.many("wheel"), strict=True)
    # A dependency's doubtful escape sequences are its authors' business.
    warnings.simplefilter("ignore")
    tarball.save(
        (
            entry
            # One fixed order of compilation, whatever the order of the arguments.
            for label, path in sorted(pairs)
            for entry in entries(
                _read(label, path),
                options.one("environment"),
                lost.get(label.partition(" ")[0], set()),
                bytecode=options.one("bytecode", "1") == "1",
                strip=options.one("strip", "1") == "1",
            )
        ),
        options.one("output"),
        level=int(options.one("level", "6")),
    )


def _read(label: str, path: str) -> Wheel:
    try:
        wheel = read(path, label)
    except WheelError as error:
        raise LayerError(str(error)) from None
    for note in wheel.notes:
        print(f"INFO: {note}", file=sys.stderr)
    return wheel


def entries(
    distribution: Wheel,
    environment: str,
    lost: Collection[str] = (),
    *,
    bytecode: bool = True,
    strip: bool = True,
) -> Iterator[tarball.Entry]:
    """Yields what the layer holds of one distribution.

    Args:
        distribution: as it is read from its wheel.
        environment: the virtual environment's place in the image, such as `app/.venv`.
        lost: paths in the environment that another distribution's file has.
        bytecode: whether to compile every `.py`.
        strip: whether to take debug sections out of ELF files.
    """
    label = distribution.label
    rows: dict[str, str] = {}

    def entry(path: str, content: bytes, mode: int) -> tarball.Entry:
        return tarball.Entry(f"{environment}/{path}", "file", mode, content, source=label)

    for path, content in sorted(distribution.files.items()):
        if path in lost:
            continue
        kept = elf.strip(content) if strip else content
        if path.startswith("bin/"):
            kept = with_interpreter(content, f"/{environment}")
        rows[path] = _row_of(kept)
        yield entry(path, kept, tarball.file_mode(kept))
        if bytecode and path.endswith(".py"):
            try:
                code = compile_source(content, f"/{environment}/{path}")
            except LayerError:
                continue  # a template, or a test's bad example: nothing imports it
            rows[cache_path(path)] = ","
            yield entry(cache_path(path), code, 0o644)
    for name, (module, attribute) in sorted(distribution.scripts.items()):
        if f"bin/{name}" in lost:
            continue
        script = console_script(module, attribute, f"/{environment}")
        rows[f"bin/{name}"] = _row_of(script)
        yield entry(f"bin/{name}", script, 0o755)
    record = f"{SITE_PACKAGES}{distribution.info}/RECORD"
    rows[record] = ","
    yield entry(record, _record(rows), 0o644)


def _row_of(content: bytes) -> str:
    """Returns what follows the path in a row of RECORD."""
    import binascii
    import hashlib

    text = binascii.b2a_base64(hashlib.sha256(content).digest(), newline=False).decode()
    return f"sha256={text.translate({ord('+'): '-', ord('/'): '_', ord('='): None})},{len(content)}"


def _record(rows: dict[str, str]) -> bytes:
    """Returns RECORD's text, with paths relative to site-packages."""
    up = "../" * SITE_PACKAGES.count("/")
    lines = []
    for path, rest in rows.items():
        inside = path.startswith(SITE_PACKAGES)
        name = path.removeprefix(SITE_PACKAGES) if inside else up + path
        if any(character in name for character in ',"\r\n'):
            name = '"' + name.replace('"', '""') + '"'  # as the csv module quotes
        lines.append(f"{name},{rest}\n")
    return "".join(sorted(lines)).encode()
