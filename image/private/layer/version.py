"""A project's version, where pyproject.toml gives it or says in which file it is."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

# hatch's own default, and pdm's.
_ASSIGNMENT = (
    r"(?im)^(?:__version__|VERSION)(?: ?: ?str)? *= *(?P<quote>['\"])v?(?P<version>.+?)(?P=quote)"
)
# PEP 440, appendix B, in the spellings that it lets one normalise.
_PEP_440 = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_number>\d*))?"
    r"(?:-(?P<post_alone>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_PRE = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}


class UnknownVersionError(Exception):
    """The version isn't to be found; the message says what makes it."""


def find(document: Mapping[str, Any], read: Callable[[str], bytes | None]) -> str:
    """Returns the project's version, normalised.

    Read are a static version, hatch's `path`, setuptools' `attr` and `file`, flit's
    `__version__`, pdm's `source = "file"` and poetry's.

    Args:
        document: pyproject.toml.
        read: gives the content of a file, by its path beside pyproject.toml; None if it has none.

    Raises:
        UnknownVersionError: something else makes it, or it isn't where it should be.
    """
    project = document.get("project", {})
    if isinstance(project.get("version"), str):
        return normalise(project["version"])
    tool = document.get("tool", {})
    backend = str(document.get("build-system", {}).get("build-backend", "setuptools"))
    if "hatchling" in backend:
        found = _hatch(tool.get("hatch", {}).get("version", {}), read)
    elif backend.startswith("setuptools"):
        found = _setuptools(tool, read)
    elif backend.startswith("flit"):
        module = tool.get("flit", {}).get("module", {}).get("name") or project["name"]
        found = _attribute(str(module).replace("-", "_") + ".__version__", ("", "src/"), read)
    elif backend.startswith("pdm"):
        found = _pdm(tool.get("pdm", {}).get("version", {}), read)
    elif backend.startswith("poetry"):
        found = str(tool.get("poetry", {}).get("version", ""))
    else:
        raise UnknownVersionError(f"{backend} makes the version")
    return normalise(found)


def normalise(version: str) -> str:
    """Returns the version in PEP 440's normal form; as it is, where it has none."""
    match = _PEP_440.fullmatch(version.strip())
    if not match:
        return "".join(version.split())
    part = {name: text.lower() if text else text for name, text in match.groupdict().items()}
    made = f"{int(part['epoch'])}!" if part["epoch"] else ""
    made += ".".join(str(int(number)) for number in part["release"].split("."))
    if part["pre"]:
        made += _PRE.get(part["pre"], part["pre"]) + str(int(part["pre_number"] or 0))
    if part["post"] or part["post_alone"]:
        made += f".post{int(part['post_number'] or part['post_alone'] or 0)}"
    if part["dev"]:
        made += f".dev{int(part['dev_number'] or 0)}"
    if part["local"]:
        pieces = re.split(r"[-_.]", part["local"])
        made += "+" + ".".join(str(int(piece)) if piece.isdecimal() else piece for piece in pieces)
    return made


def _hatch(table: Mapping[str, Any], read: Callable[[str], bytes | None]) -> str:
    source = table.get("source", "regex")
    if source not in ("regex", "code"):
        raise UnknownVersionError(f"hatch's source {source!r} makes the version")
    path = str(table.get("path", ""))
    if source == "code":
        return _literal(path, str(table.get("expression", "__version__")), read)
    pattern = table.get("pattern", True)
    return _search(path, _ASSIGNMENT if pattern is True else str(pattern), read)


def _setuptools(tool: Mapping[str, Any], read: Callable[[str], bytes | None]) -> str:
    table = tool.get("setuptools", {})
    dynamic = table.get("dynamic", {}).get("version", {})
    if "file" in dynamic:
        files = dynamic["file"] if isinstance(dynamic["file"], list) else [dynamic["file"]]
        return "\n".join(_text(str(path), read).strip() for path in files)
    if "attr" in dynamic:
        where = table.get("packages", {})
        where = where.get("find", {}).get("where", []) if isinstance(where, dict) else []
        folders = ["", "src", *where, *table.get("package-dir", {}).values()]
        return _attribute(
            str(dynamic["attr"]), [f"{folder}/".lstrip("./") for folder in folders], read
        )
    raise UnknownVersionError(
        "setuptools-scm makes the version" if "setuptools_scm" in tool else "setup.py makes it"
    )


def _pdm(table: Mapping[str, Any], read: Callable[[str], bytes | None]) -> str:
    if table.get("source") != "file":
        raise UnknownVersionError(f"pdm's source {table.get('source')!r} makes the version")
    return _search(str(table.get("path", "")), _ASSIGNMENT, read)


def _attribute(reference: str, folders: Iterable[str], read: Callable[[str], bytes | None]) -> str:
    """Finds `module.name` in one of the folders."""
    module, _, name = reference.partition(":") if ":" in reference else reference.rpartition(".")
    stem = module.replace(".", "/")
    tried = [
        f"{folder}{stem}{end}"
        for folder in dict.fromkeys(folders)
        for end in ("/__init__.py", ".py")
    ]
    for path in tried:
        if read(path) is not None:
            return _literal(path, name, read)
    raise UnknownVersionError(f"{reference} is in none of {', '.join(tried[:4])}")


def _literal(path: str, name: str, read: Callable[[str], bytes | None]) -> str:
    """Returns the string, or the numbers, that a module assigns to a name at its top level."""
    import ast

    try:
        tree = ast.parse(_text(path, read))
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if isinstance(node, ast.AnnAssign):
                targets = [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if name in names and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
                value = ast.literal_eval(node.value)
                return ".".join(map(str, value)) if isinstance(value, tuple) else str(value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    raise UnknownVersionError(f"{path} assigns no plain string to {name}")


def _search(path: str, pattern: str, read: Callable[[str], bytes | None]) -> str:
    try:
        match = re.search(pattern, _text(path, read), re.MULTILINE)
        if match:
            return str(match["version"])
    except (re.error, IndexError, RecursionError):
        pass
    raise UnknownVersionError(f"{path} has no version in it")


def _text(path: str, read: Callable[[str], bytes | None]) -> str:
    content = read(path)
    if content is None:
        raise UnknownVersionError(f"{path} makes it, which isn't among srcs")
    return content.decode(errors="replace")
