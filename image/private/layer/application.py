"""Finds out, without importing it, whether uvicorn would find an application such as `main:app`."""

from __future__ import annotations

import _ast

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_ONLY_SYNTAX_TREE = 0x400  # ast.PyCF_ONLY_AST; the ast module takes longer to import than all this


def check(application: str, sources: list[tuple[str, str]]) -> None:
    """Checks that `module:attribute` names something that the sources define.

    Only the module's own text is read: a name bound at its top level counts (also in an `if`,
    `try`, `with`, `for` or `match` there), and so does any name where the module has a
    `from … import *` or a `__getattr__`. Of `a.b` only `a` is looked for.

    Args:
        application: as uvicorn takes it.
        sources: each file's place below the working directory, and its path on this machine.

    Raises:
        LayerError: it is of another form, the module isn't there, or it binds no such name.
    """
    module, _, attribute = application.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise LayerError(
            f"application = {application!r} isn't of the form 'module:attribute', as uvicorn "
            "takes it"
        )
    stem = module.replace(".", "/")
    wanted = (f"{stem}.py", f"{stem}/__init__.py")
    found = [(path, source) for path, source in sources if path in wanted]
    if not found:
        near = sorted(path for path, _ in sources if path.endswith(".py") and "/" not in path)
        raise LayerError(
            f"application = {application!r}: there is no {wanted[0]} or {wanted[1]} in srcs"
            f" (top level: {', '.join(near[:8]) or 'no .py file'}); correct application, srcs or "
            "strip_prefix"
        )
    # A package wins over a module of the same name, as it does for import.
    source = max(found)[1] if len(found) == 1 else dict(found)[wanted[1]]
    with open(source, "rb") as file:
        text = file.read()
    try:
        tree = compile(text, source, "exec", _ONLY_SYNTAX_TREE, dont_inherit=True)
        names = set(_bound(tree))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", None) or str(error)
        raise LayerError(f"{source}:{line}: syntax error: {message}") from None
    except (RecursionError, MemoryError):
        raise LayerError(f"{source}:1: syntax error: it is nested too deeply") from None
    first = attribute.partition(".")[0]
    if not names & {first, "*", "__getattr__"}:
        raise LayerError(
            f"application = {application!r}: {source} binds no name {first!r} at its top level; "
            "correct application or the module"
        )


def _bound(tree: _ast.AST) -> Iterator[str]:
    """Yields every name that a module's statements bind, "*" for a star import.

    Without recursion: a long sum is a deep tree.
    """
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.ClassDef)):
            yield node.name
            continue  # what is bound inside is not the module's
        if isinstance(node, _ast.Lambda):
            continue
        if isinstance(node, _ast.Name) and isinstance(node.ctx, _ast.Store):
            yield node.id
        elif isinstance(node, _ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, (_ast.ExceptHandler, _ast.MatchAs, _ast.MatchStar)) and node.name:
            yield node.name
        for field in node._fields:
            if isinstance(node, _ast.comprehension) and field == "target":
                continue  # a comprehension's variable is its own
            value = getattr(node, field, None)
            children = value if isinstance(value, list) else [value]
            nodes += [child for child in children if isinstance(child, _ast.AST)]
