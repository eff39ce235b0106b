"""Sub-command `app`: the application's sources → its layer, checked for what would stop its start.

Options:
    --path=PATH         repeatable: a file's place below the working directory …
    --file=PATH         … and, in the same order, that file on this machine
    --left-out=PATH     optional: what `sources` wrote: files of these that are not packed
    --project=PATH      optional: what `project` wrote: further files, and where modules are
    --root=DIR          repeatable: a folder below the working directory that holds modules, too
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
from layer.application import Sources, check
from layer.errors import LayerError
from layer.links import links
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
        for path, source in _sources(options):
            if path.endswith(".py"):
                with open(source, "rb") as file:
                    _compiled(file.read(), f"/{_place(options.one('workdir'), path)}")


def run(options: Options) -> None:
    """Makes the layer."""
    sources = _sources(options)
    for _, source in sources:
        if os.path.isdir(source):
            raise LayerError(f"{source} is a folder: name its files in srcs, as glob() does")
    workdir, environment = options.one("workdir"), options.one("environment")
    roots: list[str] = []
    further: list[tarball.Entry] = []
    for path in options.many("project"):
        roots, further, written = _project(path, environment)
        further += [
            entry
            for entry in _written(written, sources, workdir)
            if options.one("bytecode", "1") == "1" or entry.path.endswith(".py")
        ]
    application = options.one("application", "")
    if application:
        check(application, Sources(sources, ["", *options.many("root"), *roots]))
    tarball.save(
        [
            *entries(sources, workdir, environment, bytecode=options.one("bytecode", "1") == "1"),
            *further,
        ],
        options.one("output"),
        level=int(options.one("level", "6")),
    )


def _sources(options: Options) -> list[tuple[str, str]]:
    """Returns each packed file's place below the working directory, and its path here."""
    left_out = set()
    for path in options.many("left-out"):
        with open(path, encoding="utf-8") as file:
            left_out.update(file.read().split("\n"))
    sources = zip(options.many("path"), options.many("file"), strict=True)
    return [(path, source) for path, source in sources if source not in left_out]


def _project(path: str, environment: str) -> tuple[list[str], list[tarball.Entry], dict[str, str]]:
    """Returns where the project's modules are, the files that say that it is installed, and those
    that its backend would write beside its sources."""
    import json

    with open(path, encoding="utf-8") as file:
        project = json.load(file)
    entries = [
        tarball.Entry(
            f"{environment}/{name}",
            "file",
            tarball.file_mode(text.encode()),
            text.encode(),
            source="pyproject.toml",
        )
        for name, text in project["files"].items()
    ]
    return project["roots"], entries, project["written"]


def _written(
    written: dict[str, str], sources: list[tuple[str, str]], workdir: str
) -> list[tarball.Entry]:
    """Returns the modules that aren't among the sources, beside those that lie in their folder."""
    folders = {os.path.dirname(source): os.path.dirname(path) for path, source in sources}
    there = {source for _, source in sources}
    made = []
    for name, text in written.items():
        folder, base = os.path.split(name)
        if name in there or folder not in folders:
            continue
        place = _place(workdir, os.path.join(folders[folder], base))
        code = compile_source(text.encode(), f"/{place}")
        made.append(tarball.Entry(place, "file", 0o644, text.encode(), source="pyproject.toml"))
        made.append(tarball.Entry(cache_path(place), "file", 0o644, code, source="pyproject.toml"))
    return made


def _place(workdir: str, path: str) -> str:
    return f"{workdir}/{path}" if workdir else path


def entries(
    sources: list[tuple[str, str]], workdir: str, environment: str, *, bytecode: bool = True
) -> Iterator[tarball.Entry]:
    """Yields the sources and their bytecode, in one fixed order.

    Raises:
        LayerError: a source isn't valid Python, lies where the virtual environment is, or is a
            link out of the workspace.
    """
    kept = links({source: path for path, source in sources})
    for path, target in sorted(kept.items()):
        place = _place(workdir, path)
        yield tarball.Entry(place, "symlink", 0o777, None, target, source=path)
    folders = tuple(f"{path}/" for path in kept)
    for path, source in sorted(sources):
        if path.startswith(folders):
            continue  # there through the link
        place = _place(workdir, path)
        if f"{place}/".startswith(f"{environment}/"):
            raise LayerError(
                f"{source} would lie in the virtual environment, /{environment}; rename it or "
                "leave it out of srcs"
            )
        with open(source, "rb") as file:
            content = file.read()
        if path not in kept:
            yield tarball.Entry(place, "file", tarball.file_mode(content), content, source=source)
        if bytecode and path.endswith(".py"):
            try:
                code = _compiled(content, f"/{place}")
            except LayerError as error:
                # The user knows the file by its name here, not in the image.
                raise LayerError(str(error).replace(f"/{place}", source, 1)) from None
            yield tarball.Entry(cache_path(place), "file", 0o644, code, source=source)
