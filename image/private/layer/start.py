"""Sub-command `start`: is there what an image starts, the program and the application's module?

Without, all is well until a container starts. Known from names alone, and never a false alarm: what
can't be looked into may hold it.

Options:
    --word=TEXT         repeatable: the image's Entrypoint and Cmd
    --application=A:B   what uvicorn is to start; empty: don't check
    --workdir=DIR       the working directory in the image, such as app
    --environment=DIR   the virtual environment's place in the image, such as app/.venv
    --path=PATH         repeatable: a source's place below the working directory …
    --file=PATH         … and, in the same order, that file on this machine, which isn't read
    --root=DIR          repeatable: a folder below the working directory that holds modules, too
    --left-out=PATH     optional: what `sources` wrote
    --project=PATH      optional: what `project` wrote
    --layer=PATH        repeatable: a layer of distributions, as `distributions` makes it
    --further=PATH      repeatable: any other layer
    --layout=DIR        the base image, an OCI image layout of one image
    --output=PATH       an empty file, written when all is well
"""

from __future__ import annotations

import posixpath
import sys

from layer.application import Sources, parse
from layer.errors import LayerError
from layer.interpreter import is_program, read_entries
from layer.layout import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from layer.options import Options

# What a shell takes where no variable says otherwise.
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Image:
    """What is in an image, as far as its names are read: layers one by one, the base at last."""

    def __init__(self, options: Options) -> None:
        self.environment = options.one("environment")
        self.workdir = options.one("workdir")
        self._layers = options.many("layer")
        self._further = options.many("further")
        self._layout = options.one("layout")
        self.sources, self.left_out, roots = _sources(options)
        self.modules = Sources(self.sources.items(), roots)
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self._own = {f"{self.environment}/bin/{name}" for name in ("python", "python3", python)}
        self._own |= {f"{self.workdir}/{path}".lstrip("/") for path in self.sources}
        for name in _project(options)["files"]:
            self._own.add(f"{self.environment}/{name}")

    def has_program(self, word: str) -> bool:
        """Whether a container finds the program of this name, or path."""
        bin_folder = f"{self.environment}/bin"
        if "/" in word:
            paths = [posixpath.normpath(posixpath.join("/", self.workdir, word))]
        else:
            path = environment(self._layout).get("PATH") or _PATH
            paths = [f"/{bin_folder}/{word}", *(f"{folder}/{word}" for folder in path.split(":"))]
        names = {path.lstrip("/") for path in paths}
        if names & self._own or any(names & _start_of(each, bin_folder) for each in self._layers):
            return True
        for layer in self._further:
            listed = _names(layer)
            if listed is None or names & listed:
                return True
        entries = read_entries(self._layout)
        return entries is None or any(is_program(entries, path) for path in paths)

    def has_module(self, module: str) -> bool:
        """Whether import finds the module, or may."""
        if self.modules.find(module)[0]:
            return True
        top = module.partition(".")[0]
        if self.modules.find(top)[0]:
            return False  # a package or module of that name is the application's, and hides others
        for layer in (*self._layers, *self._further):
            listed = _names(layer)
            if listed is None or any(_is_module(name, top) for name in listed):
                return True
        entries = read_entries(self._layout)
        return entries is None or any(_is_module(name, top) for name in entries)


def run(options: Options) -> None:
    """Looks, and writes the file.

    Raises:
        LayerError: there is no such program or module.
    """
    image = _Image(options)
    words = options.many("word")
    if words and not image.has_program(words[0]):
        remedy = "correct entrypoint"
        if "/" not in words[0]:
            remedy = f"add {words[0]} to the dependencies and lock them anew, or {remedy}"
        raise LayerError(
            f"the image can't start: no distribution and no base brings the program {words[0]}; "
            f"{remedy}"
        )
    if words[1:2] == ["-m"] and words[2:] and posixpath.basename(words[0]).startswith("python"):
        module = words[2]
        top = module.partition(".")[0]
        if top not in sys.stdlib_module_names and not image.has_module(module):
            raise LayerError(
                f"the image can't start: no distribution and no source brings the module {module}, "
                "which it starts by -m; add it to the dependencies and lock them anew, or correct "
                "entrypoint"
            )
    application = options.one("application", "")
    module = parse(application)[0] if application else ""
    if module and not image.has_module(module):
        raise LayerError(_no_module(application, module, image))
    with open(options.one("output"), "w", encoding="utf-8"):
        pass


def _no_module(application: str, module: str, image: _Image) -> str:
    stem = module.replace(".", "/")
    ends = (f"{stem}.py", f"{stem}/__init__.py")
    message = f"application = {application!r}: there is no {ends[0]} or {ends[1]} in srcs"
    for path, file in sorted(image.sources.items(), key=lambda pair: len(pair[0])):
        for end in ends:
            if path.endswith(f"/{end}") and file.endswith(f"/{end}"):
                folder = path.removesuffix(end).replace("/", ".")
                return (
                    f"{message}, but {file}: give strip_prefix = "
                    f'"{file.removesuffix(end).rstrip("/")}", or application = '
                    f'"{folder}{application}"'
                )
    if image.left_out & set(ends):
        return f"{message}: .dockerignore leaves it out; add a line with ! there"
    near = sorted(path for path in image.sources if path.endswith(".py") and "/" not in path)
    return (
        f"{message} (top level: {', '.join(near[:8]) or 'no .py file'}), and no distribution has "
        "it; correct application, srcs or strip_prefix"
    )


def _sources(options: Options) -> tuple[dict[str, str], set[str], list[str]]:
    """Returns place → file of what is packed, the places of what isn't, and modules' folders."""
    gone = set()
    for path in options.many("left-out"):
        with open(path, encoding="utf-8") as file:
            gone.update(file.read().split("\n"))
    pairs = list(zip(options.many("path"), options.many("file"), strict=True))
    packed = {path: file for path, file in pairs if file not in gone}
    roots = ["", *options.many("root"), *_project(options)["roots"]]
    return packed, {path for path, file in pairs if file in gone}, list(dict.fromkeys(roots))


def _project(options: Options) -> dict[str, list[str]]:
    import json

    for path in options.many("project"):
        with open(path, encoding="utf-8") as file:
            made: dict[str, list[str]] = json.load(file)
            return made
    return {"files": [], "roots": []}


def _start_of(layer: str, folder: str) -> set[str]:
    """Returns the names in a folder of a layer: it is sorted, so the rest need not be unpacked."""
    import tarfile

    names = set()
    with tarfile.open(layer, "r|gz") as tar:
        for member in tar:
            if member.name > f"{folder}0":  # "0" comes after "/"
                break
            names.add(member.name)
    return names


def _names(layer: str) -> set[str] | None:
    """Returns all names in a layer; None if it is of a kind unknown here."""
    import tarfile
    import zlib

    try:
        with tarfile.open(layer) as tar:
            return {name.removeprefix("./") for name in tar.getnames()}
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        return None


def _is_module(name: str, module: str) -> bool:
    """Whether a file makes a module of this name, or is in one, where import looks for it."""
    _, found, inside = name.partition("-packages/")  # site-packages, and Debian's dist-packages
    first = inside.partition("/")[0]
    return bool(found) and first.partition(".")[0] == module and ".dist-info" not in first
