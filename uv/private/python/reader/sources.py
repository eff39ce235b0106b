"""Where a locked distribution comes from, from its entry in uv.lock."""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any

from reader.wheels import Choice

Artifact = dict[str, Any]


def artifact(
    entry: dict[str, Any], root: Path, choice: Choice, platform: str, python: str
) -> Artifact:
    """Return what to fetch of a `[[package]]` for one platform (see __main__.py).

    Args:
        entry: the table of uv.lock.
        root: the folder of uv.lock, from which its paths count.
        choice: which wheel the platform takes.
        platform: for messages, such as linux/arm64.
        python: for messages, such as 3.13.
    """
    source: dict[str, str] = entry["source"]
    for kind in ("directory", "editable", "virtual"):
        if kind in source:
            return {"kind": "directory", "path": str((root / source[kind]).resolve())}
    if "git" in source:
        return _git(source["git"])
    wheels = {file_name(wheel, source): wheel for wheel in entry.get("wheels", [])}
    best = choice.best(wheels)
    if best is not None:
        return _file("wheel", best, wheels[best], source, root)
    sdist = entry.get("sdist")
    if sdist is not None:
        return _file("sdist", file_name(sdist, source), sdist, source, root)
    return {
        "kind": "none",
        "error": f"it has no wheel for {platform} and Python {python} in the lock, and no source "
        "distribution. Take a version "
        "that has one: `uv lock --upgrade-package`, or a constraint in pyproject.toml",
    }


def _git(address: str) -> Artifact:
    """Return the artifact of `URL?rev=…&subdirectory=…#COMMIT`."""
    parts = urllib.parse.urlsplit(address)
    query = urllib.parse.parse_qs(parts.query)
    return {
        "kind": "git",
        "url": urllib.parse.urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")),
        "commit": parts.fragment,
        "subdirectory": query.get("subdirectory", [""])[0],
    }


def file_name(file: dict[str, Any], source: dict[str, str]) -> str:
    """Return the file name of a wheel or source distribution in the lock."""
    place = (
        file.get("filename")
        or file.get("url")
        or file.get("path")
        or source.get("url")
        or source["path"]
    )
    path = urllib.parse.urlsplit(place).path if "://" in place else place
    return urllib.parse.unquote(path.rpartition("/")[2])


def _file(
    kind: str, name: str, file: dict[str, Any], source: dict[str, str], root: Path
) -> Artifact:
    algorithm, _, digest = str(file.get("hash", "")).partition(":")
    place = file.get("url") or source.get("url")
    path = None if place else _local(root, file, source)
    if algorithm != "sha256":
        if path is None or not path.is_relative_to(root.resolve()) or not path.is_file():
            return {
                "kind": "none",
                "error": f"{name} is locked without a sha256, so nothing says that a download is "
                "the file that was "
                "locked. Lock it from an index that gives hashes, or by `bazel run //:lock`",
            }
        digest = ""  # uv hashes no file of the project, such as one in a folder of its find-links
    found: Artifact = {"kind": kind, "file": name, "sha256": digest}
    if place:
        found["url"] = place
    elif path is not None:
        found["path"] = str(path)
    return found


def _local(root: Path, file: dict[str, Any], source: dict[str, str]) -> Path | None:
    """Return the path of a file of the project, or of a flat index that is there."""
    if "path" in source:
        return (root / (file.get("path") or source["path"])).resolve()
    if "path" in file:
        path = (root / source.get("registry", "") / file["path"]).resolve()
        return path if path.is_file() else None
    return None
