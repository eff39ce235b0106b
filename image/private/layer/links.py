"""Symbolic links among the sources: Bazel shows what they lead to, this shows that they are links.

Bazel follows a link of a source tree and takes what it finds for a file like any other. But it
shows actions the files by links of its own, so that, on the machine of the workspace, they lead
there. A link and a copy of what it leads to are one input for Bazel: an action is not run again
when one takes the place of the other.
"""

from __future__ import annotations

import os
import posixpath

from layer.errors import LayerError

# Links there are Bazel's, or a repository's, and not the user's.
_NOT_THE_WORKSPACE = ("bazel-out/", "external/", "../")


def links(sources: dict[str, str]) -> dict[str, str]:
    """Finds the links that stay links in the image.

    A link to another source, or to a folder with the same files, does. One to anything else in the
    workspace does not: its content is packed as a file.

    Args:
        sources: each file's path in the workspace → its place in the image.

    Returns:
        Each link's place in the image → what it leads to, relative to its own folder. What lies
        below a link to a folder is there through the link alone.

    Raises:
        LayerError: a link leads out of the workspace.
    """
    own = [path for path in sorted(sources) if not path.startswith(_NOT_THE_WORKSPACE)]
    root = _workspace(own[0]) if own else ""
    known: dict[str, str | None] = {}
    found: dict[str, list[tuple[str, str]]] = {}
    for path in own:
        link = _first_link(root, path, known)
        if link:
            found.setdefault(link, []).append((path, sources[path]))
    kept = {}
    for link, files in found.items():
        target = _inside(root, link, known[link] or "")
        first, *rest = (_places(path, place, link, target, sources) for path, place in files)
        # All of its files are where it leads, in the image as in the workspace.
        if first and all(each == first for each in rest):
            kept[first[0]] = posixpath.relpath(first[1], posixpath.dirname(first[0]) or ".")
    return kept


def _workspace(path: str) -> str:
    """Returns the workspace's folder.

    An action's own, Bazel's execution root, holds links there; one in a sandbox, to the former.
    """
    root = os.getcwd()
    while True:
        link = _first_link(root, path, {})
        target = os.readlink(f"{root}/{link}") if link else ""
        if not target.startswith("/") or not target.endswith(f"/{link}"):
            return root
        there = target.removesuffix(f"/{link}")
        if _is_execution_root(there):
            root = there
        else:
            return there if _is_execution_root(root) else root


def _is_execution_root(folder: str) -> bool:
    return os.path.basename(os.path.dirname(folder)) == "execroot"


def _first_link(root: str, path: str, known: dict[str, str | None]) -> str:
    """Returns the path up to the first part that is a link, "" if there is none.

    Args:
        root: the folder that `path` is in.
        path: of a file.
        known: what each path leads to, None if it is no link; this adds what it reads.
    """
    at = 0
    while at >= 0:
        at = path.find("/", at + 1)
        part = path if at < 0 else path[:at]
        if part not in known:
            try:
                known[part] = os.readlink(f"{root}/{part}")
            except OSError:
                known[part] = None
        if known[part] is not None:
            return part
    return ""


def _inside(root: str, link: str, target: str) -> str:
    """Returns the path in the workspace that a link leads to."""
    if target.startswith("/"):
        path = os.path.relpath(target, root)
    else:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(link), target))
    if path == ".." or path.startswith("../"):
        raise LayerError(
            f"{link} is a symbolic link to {target}, outside of the workspace: put a copy in its "
            "place, or leave it out of srcs"
        )
    return path


def _places(
    path: str, place: str, link: str, target: str, sources: dict[str, str]
) -> tuple[str, str] | None:
    """Returns where link and target are in the image, by one file below both; None: nowhere."""
    rest = path.removeprefix(link)
    there = sources.get(target + rest)
    if there is None or not place.endswith(rest) or not there.endswith(rest):
        return None
    return place.removesuffix(rest), there.removesuffix(rest)
