"""Sub-command `bytecode`: a base image whose library has no bytecode → a layer that adds it.

Official Python images ship the standard library without .pyc files, and as a non-root user with a
read-only root file system Python can't cache them either: every start would compile them anew.

Options:
    --layout=DIR   the base image, an OCI image layout of one image
    --level=N      zlib's level, 1 to 9
    --output=PATH  the .tar.gz: bytecode for every .py in a `lib/python3…` folder that lacks it
"""

from __future__ import annotations

import warnings

from layer import tarball
from layer.errors import LayerError
from layer.layout import layers, take_away
from layer.pyc import cache_path, compile_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator

    from layer.options import Options


def run(options: Options) -> None:
    """Makes the layer."""
    warnings.simplefilter("ignore")
    tarball.save(
        entries(options.one("layout")), options.one("output"), level=int(options.one("level", "6"))
    )


def entries(layout: str) -> Iterator[tarball.Entry]:
    """Yields the missing bytecode files, in one fixed order.

    Raises:
        LayerError: the layout isn't one of a single image with tar or gzip layers.
    """
    files = _library(layout)
    for path in sorted(files):
        cached = cache_path(path)
        if not path.endswith(".py") or cached in files:
            continue
        try:
            code = compile_source(files[path], f"/{path}")
        except LayerError:
            continue  # a test's bad example: nothing imports it
        yield tarball.Entry(cached, "file", 0o644, code, source=f"/{path} of the base")


def _library(layout: str) -> dict[str, bytes]:
    """Returns the Python files of the image's library folders: sources whole, bytecode as b""."""
    import tarfile
    import zlib

    files: dict[str, bytes] = {}
    for layer in layers(layout):
        try:
            with tarfile.open(layer) as tar:
                added = dict(_apply(tar, files))
        except (tarfile.TarError, EOFError, OSError, zlib.error):
            raise LayerError(
                f"the base's layer {layer} is damaged, or is no plain or gzip tar; pin "
                "a base whose layers are compressed with gzip"
            ) from None
        files.update(added)
    return files


def _apply(tar: tarfile.TarFile, files: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yields one layer's Python files, and takes out of `files` what the layer deletes."""
    for member in tar:
        path = member.name.removeprefix("./")
        if take_away(files, path):
            continue
        if member.isfile() and "lib/python3" in path and path.endswith((".py", ".pyc")):
            if member.issparse():
                raise LayerError(f"/{path} of the base is a sparse file; pin another base")
            content = tar.extractfile(member) if path.endswith(".py") else None
            yield path, content.read() if content else b""
