"""Finds out, without importing it, whether uvicorn would find an application such as `main:app`."""

from __future__ import annotations

import _ast

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    # Where a name is imported from: how many dots, module, name. None: it is bound otherwise.
    _Origin = tuple[int, str, str] | None

_ONLY_SYNTAX_TREE = 0x400  # ast.PyCF_ONLY_AST; the ast module takes longer to import than all this
_FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef)
# With one of these a module may bind names that its text doesn't show.
_WRITES = frozenset(
    (
        *("exec", "eval", "globals", "locals", "vars", "setattr", "modules", "__dict__"),
        *("global_enum", "_convert_"),  # for an enumeration's members
    )
)
# Stands for every name.
_ANY = "*"


def parse(application: str) -> tuple[str, str]:
    """Returns module and attribute of `module:attribute`.

    Raises:
        LayerError: it is of another form.
    """
    module, _, attribute = application.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise LayerError(
            f"application = {application!r} isn't of the form 'module:attribute', as uvicorn "
            "takes it"
        )
    return module, attribute


class Sources:
    """Where the sources' modules are.

    Args:
        sources: each file's place below the working directory, and its path on this machine.
        roots: folders below the working directory, in the order in which import looks into them.
    """

    def __init__(self, sources: Iterable[tuple[str, str]], roots: Sequence[str] = ("",)) -> None:
        self._files = dict(sources)
        self._roots = [f"{root}/" if root else "" for root in roots]

    def find(self, module: str) -> tuple[str, bool]:
        """Returns the file of a module, "" if there is none, and whether it is a package."""
        stem = module.replace(".", "/")
        for root in self._roots:
            # A package wins over a module of the same name, as it does for import.
            for end, is_package in (("/__init__.py", True), (".py", False)):
                if f"{root}{stem}{end}" in self._files:
                    return self._files[f"{root}{stem}{end}"], is_package
        return "", False

    def has(self, module: str) -> bool:
        """Whether there is such a module, also a compiled one or a folder without `__init__.py`."""
        stems = [f"{root}{module.replace('.', '/')}" for root in self._roots]
        starts = tuple(f"{stem}{end}" for stem in stems for end in "/.")
        return any(path.startswith(starts) for path in self._files)


def check(application: str, sources: Sources) -> None:
    """Checks that `module:attribute` names something that the sources define.

    Only text is read: a name bound at the module's top level counts (also in an `if`, `try`,
    `with`, `for` or `match` there), and what it imports from another source must be there, too. Of
    `a.b` only `a` is looked for. Where the text can't tell, all is well: in a module that is not
    in the sources, after `from … import *`, with a `__getattr__` or `globals()`.

    Args:
        application: as uvicorn takes it.
        sources: the application's.

    Raises:
        LayerError: it is of another form, or the module binds no such name.
    """
    module, attribute = parse(application)
    name = attribute.partition(".")[0]
    way: list[str] = []
    while True:
        source, is_package = sources.find(module)
        # Every module has a few names, such as __file__.
        known = name.startswith("__") or (is_package and sources.has(f"{module}.{name}"))
        if not source or source in way or known:
            return
        way.append(source)
        bound = _bound(source, is_first=len(way) == 1)
        if _ANY in bound or "__getattr__" in bound:
            return
        if name not in bound:
            break
        origins = set(bound[name])
        if len(origins) != 1 or (origin := origins.pop()) is None:
            return
        level, module_there, name = origin
        if level:
            parts = module.split(".")
            parts = parts[: len(parts) - level + is_package]
            module_there = ".".join([*parts, module_there] if module_there else parts)
        module = module_there
    also = f", which {way[-2]} imports from it" if len(way) > 1 else ""
    raise LayerError(
        f"application = {application!r}: {way[-1]} binds no name {name!r} at its top level{also}; "
        "correct application or the module"
    )


def _bound(source: str, *, is_first: bool) -> dict[str, list[_Origin]]:
    """Returns every name that a module binds, `_ANY` where its text can't tell.

    Without recursion: a long sum is a deep tree.
    """
    with open(source, "rb") as file:
        text = file.read()
    try:
        tree = compile(text, source, "exec", _ONLY_SYNTAX_TREE, dont_inherit=True)
        return _names(tree)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", None) or str(error)
    except (RecursionError, MemoryError):
        line, message = 1, "it is nested too deeply"
    if not is_first:
        return {_ANY: [None]}  # compiling it says so
    raise LayerError(f"{source}:{line}: syntax error: {message}")


def _names(tree: _ast.AST) -> dict[str, list[_Origin]]:
    bound: dict[str, list[_Origin]] = {}
    nodes = [(tree, True)]
    while nodes:
        node, is_module = nodes.pop()
        if isinstance(node, _ast.Global) or (
            is_module and isinstance(node, (_ast.ExceptHandler, _ast.MatchAs, _ast.MatchStar))
        ):
            names = node.names if isinstance(node, _ast.Global) else [node.name or ""]
            for name in names:
                bound.setdefault(name, []).append(None)
        elif isinstance(node, (_ast.Name, _ast.Attribute)):
            name = node.id if isinstance(node, _ast.Name) else node.attr
            if name in _WRITES:
                bound[_ANY] = [None]
            elif is_module and isinstance(node, _ast.Name) and isinstance(node.ctx, _ast.Store):
                bound.setdefault(name, []).append(None)
        elif is_module and isinstance(node, _ast.ImportFrom):
            for alias in node.names:
                origin = (node.level, node.module or "", alias.name)
                bound.setdefault(alias.asname or alias.name, []).append(origin)
        elif is_module and isinstance(node, _ast.Import):
            for alias in node.names:
                bound.setdefault(alias.asname or alias.name.partition(".")[0], []).append(None)
        elif is_module and isinstance(node, _FUNCTIONS):
            bound.setdefault(node.name, []).append(None)
        # What is bound inside is not the module's, but for `global`.
        below = is_module and not isinstance(node, (*_FUNCTIONS, _ast.Lambda))
        for field in node._fields:
            # A comprehension's variable is its own.
            own = isinstance(node, _ast.comprehension) and field == "target"
            value = getattr(node, field, None)
            children = value if isinstance(value, list) else [value]
            nodes += [(each, below and not own) for each in children if isinstance(each, _ast.AST)]
    return bound
