"""Sub-command `app`: the application's sources → its layer, checked for what would stop its start.

Options:
    --path=PATH         repeatable: a file's place below the working directory …
    --file=PATH         … and, in the same order, that file on this machine
    --workdir=DIR       the working directory in the image, such as app
    --environment=DIR   the virtual environment, in which no source may lie
    --application=A:B   what uvicorn is to start; empty: don't check
    --bytecode=1        compile every .py (0: leave that to the container's first start)
    --level=N           zlib's level, 1 to 9
    --output=PATH       the .tar.gz
"""

from __future__ import annotations

import functools
import os

from layer import tarball
from layer.application import check
from layer.errors import LayerError
from layer.pyc import cache_path, compile_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from layer.options import Options

# The modules of one application and of its edits: half of the work is their compilation.
_compiled = functools.lru_cache(1000)(compile_source)


def prepare(options: Options) -> None:
    """Compiles what `run` will need; for a worker, which keeps it from one edit to the next."""
    if options.one("bytecode", "1") != "1":
        return
    import warnings

    # What has something to be said about is compiled where that reaches the user.
    with warnings.catch_warnings(action="error"):
        for path, source in zip(options.many("path"), options.many("file"), strict=True):
            if path.endswith(".py"):
                with open(source, "rb") as file:
                    _compiled(file.read(), f"/{_place(options.one('workdir'), path)}")


def run(options: Options) -> None:
    """Makes the layer."""
    sources = list(zip(options.many("path"), options.many("file"), strict=True))
    for _, source in sources:
        if os.path.isdir(source):
            raise LayerError(f"{source} is a folder: name its files in srcs, as glob() does")
    application = options.one("application", "")
    if application:
        check(application, sources)
    tarball.save(
        entries(
            sources,
            options.one("workdir"),
            options.one("environment"),
            bytecode=options.one("bytecode", "1") == "1",
        ),
        options.one("output"),
        level=int(options.one("level", "6")),
    )


def _place(workdir: str, path: str) -> str:
    return f"{workdir}/{path}" if workdir else path


def entries(
    sources: list[tuple[str, str]], workdir: str, environment: str, *, bytecode: bool = True
) -> Iterator[tarball.Entry]:
    """Yields the sources and their bytecode, in one fixed order.

    Raises:
        LayerError: a source isn't valid Python, or lies where the virtual environment is.
    """
    for path, source in sorted(sources):
        if "__pycache__" in path.split("/"):
            continue  # made below, by the image's own interpreter
        place = _place(workdir, path)
        if f"{place}/".startswith(f"{environment}/"):
            raise LayerError(
                f"{source} would lie in the virtual environment, /{environment}; rename it or "
                "leave it out of srcs"
            )
        with open(source, "rb") as file:
            content = file.read()
        yield tarball.Entry(place, "file", tarball.file_mode(content), content, source=source)
        if bytecode and path.endswith(".py"):
            try:
                code = _compiled(content, f"/{place}")
            except LayerError as error:
                # The user knows the file by its name here, not in the image.
                raise LayerError(str(error).replace(f"/{place}", source, 1)) from None
            yield tarball.Entry(cache_path(place), "file", 0o644, code, source=source)
