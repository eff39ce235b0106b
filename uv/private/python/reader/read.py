"""Puts together what uv and the lock say: see __main__.py for the request and the answer."""

from __future__ import annotations

import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from platform import python_version
from typing import Any

from reader.errors import ReadError
from reader.sources import artifact, file_name
from reader.uv_command import Uv, UvError
from reader.wheels import Choice

# The newest version of the lock's format that the pinned uv reads; it reads newer revisions of it.
_FORMAT = 1

RUNTIME = "runtime"

# uv doesn't write over what it can't read.
_ANEW = "Restore it, or delete it and run `uv lock`."

_MISSING = re.compile(r"Distribution `([^ =]+)==([^ ]+) @ .*` can't be installed because")


def read(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to a request.

    Raises:
        ReadError: the lock or the project can't be used, whatever set is wanted.
    """
    project, lock = Path(request["project"]), Path(request["lock"])
    toml = _toml(lock, "uv.lock")
    version = toml.get("version")
    if not isinstance(version, int):
        raise ReadError(
            f"{lock.name} is not a valid uv.lock: it states no version of its format. {_ANEW}"
        )
    if version != _FORMAT:
        raise ReadError(
            f"{lock.name} has version {version} of the lock's format; the uv pinned "
            f"here reads version {_FORMAT}. "
            "Update this module, or delete the lock and run `uv lock` of an older uv."
        )
    pyproject = _toml(project / "pyproject.toml", "pyproject.toml")
    if not (
        pyproject.keys() & {"project", "dependency-groups"}
        or "workspace" in pyproject.get("tool", {}).get("uv", {})
    ):
        raise ReadError(
            f"{project.name}/pyproject.toml has neither a [project] table nor dependency "
            "groups nor a [tool.uv.workspace], "
            "so it says nothing of what to install: add one, or name another as `pyproject`."
        )
    uv = Uv(request["uv"], project, Path(request["home"]), request["python"])
    # Threads that wait for a uv each: it takes longer to start than to answer.
    with ThreadPoolExecutor(8) as pool:
        graphs = dict(
            zip(
                request["platforms"],
                pool.map(
                    lambda platform: _graph(uv, platform["uv"], lock),
                    request["platforms"].values(),
                ),
                strict=True,
            )
        )
        requirements = pool.submit(uv.requirements)
        graph = next(iter(graphs.values()))
        root = Path(graph["workspace_root"])
        if (root / "uv.lock").resolve() != lock.resolve():
            raise ReadError(
                f"uv reads {root.name}/uv.lock for {project.name}/pyproject.toml, its workspace's, "
                f"and not {lock}: name that "
                "one as `lock`, or the pyproject.toml beside this one as `pyproject`."
            )
        sets = {
            RUNTIME: request["runtime"],
            **_group_sets(graph, request["runtime"]),
            **request["sets"],
        }
        pending = {
            (platform, name): pool.submit(uv.installed, facts["uv"], choice)
            for platform, facts in request["platforms"].items()
            for name, choice in sets.items()
        }
    lockfile = Lock(toml, root, request)
    answer: dict[str, Any] = {"distributions": {}, "platforms": {}, "primary": {}}
    for platform, facts in request["platforms"].items():
        nodes = _nodes(graphs[platform])
        held: dict[str, Any] = {}
        requires: dict[str, dict[str, list[str]]] = {}
        for name, choice in sets.items():
            try:
                installed = pending[platform, name].result()
            except UvError as error:
                held[name] = {
                    "error": _refusal(
                        str(error), name, facts["oci"], lockfile.pythons(str(error), platform)
                    )
                }
                continue
            ids = {}
            for distribution, version in installed.items():
                entry = lockfile.entry(distribution, version, nodes, choice)
                ids[distribution] = lockfile.add(answer["distributions"], entry, platform)
            held[name] = sorted(ids.values())
            for distribution, identity in ids.items():
                answer["primary"].setdefault(distribution, identity)
            requires[name] = {
                ids[distribution]: sorted(
                    ids[to] for to in _edges(nodes, distribution, installed) if to in ids
                )
                for distribution in ids
            }
        answer["platforms"][platform] = {"sets": held, "requires": requires}
    try:
        answer["requirements"] = requirements.result()
    except UvError:
        answer["requirements"] = ""
    answer["indexes"] = _indexes(pyproject, project, root)
    answer["watch"] = sorted(
        {str(lock), str(project / "pyproject.toml"), str(root / "pyproject.toml")} | _members(graph)
    )
    return answer


class Lock:
    """The `[[package]]` tables of a lock."""

    def __init__(self, toml: dict[str, Any], root: Path, request: dict[str, Any]) -> None:
        self._root, self._python, self._pythons = root, request["python"], request["pythons"]
        self._platforms = request["platforms"]
        self._choices = {
            name: Choice(request["python"], facts["arch"], facts["glibc"])
            for name, facts in self._platforms.items()
        }
        self._entries: dict[str, list[dict[str, Any]]] = {}
        for entry in toml.get("package", []):
            self._entries.setdefault(entry["name"], []).append(entry)

    def entry(
        self, name: str, version: str | None, nodes: dict[str, Any], choice: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the table of what uv would install under this name."""
        found = [
            entry
            for entry in self._entries.get(name, [])
            if version is None or entry.get("version") == version
        ]
        if len(found) > 1:
            # One version from two sources: an index for one platform or extra, another elsewhere.
            reached = {
                _source_key(node["source"]) for node in nodes.values() if node["name"] == name
            }
            found = [
                entry for entry in found if _lock_key(entry["source"], self._root) in reached
            ] or found
        if not found:
            raise ReadError(
                f"uv.lock has no {name} {version}, which uv would install: write the lock anew "
                "with `uv lock`."
            )
        return found[0]

    def pythons(self, reason: str, platform: str) -> tuple[str, list[str]]:
        """Return the Python of the image, and others for which what uv misses has a wheel."""
        missing = _MISSING.search(reason)
        name, version = (missing[1], missing[2]) if missing else ("", "")
        found: list[str] = []
        for entry in self._entries.get(name, []):
            if entry.get("version") == version:
                found += self._with_a_wheel(entry, platform)
        return self._python, found

    def _with_a_wheel(self, entry: dict[str, Any], platform: str) -> list[str]:
        """Return the Pythons that the project allows for which a distribution has a wheel."""
        facts = self._platforms[platform]
        wheels = [file_name(wheel, entry["source"]) for wheel in entry.get("wheels", [])]
        return [
            python
            for python in self._pythons
            if wheels and Choice(python, facts["arch"], facts["glibc"]).best(wheels)
        ]

    def add(self, distributions: dict[str, Any], entry: dict[str, Any], platform: str) -> str:
        """Add a distribution's artifact for a platform to the answer; returns its id."""
        version = entry.get("version", "")
        others = [
            other for other in self._entries[entry["name"]] if other.get("version", "") == version
        ]
        suffix = f"-{others.index(entry)}" if len(others) > 1 and others.index(entry) else ""
        identity = f"{entry['name']}_{version or 'local'}{suffix}"
        facts = distributions.setdefault(
            identity, {"name": entry["name"], "version": version, "artifacts": {}}
        )
        if platform not in facts["artifacts"]:
            facts["artifacts"][platform] = artifact(
                entry,
                self._root,
                self._choices[platform],
                self._platforms[platform]["oci"],
                self._python,
            )
            found = facts["artifacts"][platform]
            if found["kind"] == "sdist" and (pythons := self._with_a_wheel(entry, platform)):
                found["hint"] = f"It has a wheel for {_choose(pythons)}."
        return identity


def _toml(path: Path, what: str) -> dict[str, Any]:
    remedy = _ANEW if what == "uv.lock" else "Correct it."
    try:
        text = path.read_text("utf-8")
        table = _parse(text)
    except UnicodeDecodeError as error:
        raise ReadError(
            f"{path.name} is not a valid {what}: it is not UTF-8 (byte {error.start}). {remedy}"
        ) from None
    except ValueError as error:
        raise ReadError(f"{path.name} is not a valid {what}: {error}. {remedy}") from None
    return table


def _parse(text: str) -> dict[str, Any]:
    """Return what a TOML document holds.

    Raises:
        ValueError: it is not valid.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # uv reads TOML 1.1, which the standard library doesn't yet.
        import tomli

        table: dict[str, Any] = tomli.loads(text)
        return table


def _graph(uv: Uv, platform: str, lock: Path) -> dict[str, Any]:
    try:
        return uv.tree(platform)
    except UvError as error:
        raise ReadError(_unreadable(str(error), lock)) from None


def _unreadable(reason: str, lock: Path) -> str:
    """Return what is wrong with the lock or the project, from uv's words, and what to do."""
    if match := re.match(r"Failed to parse `uv\.lock`; (.*)", reason):
        return f"{lock.name} is not a valid uv.lock: {match[1]}. {_ANEW}"
    if match := re.match(r"Failed to parse:? `?(\S*pyproject\.toml)`?; (.*)", reason):
        return f"{match[1]} is not a valid pyproject.toml: {match[2]}. Correct it."
    if match := re.search(r"Missing workspace member `([^`]+)`", reason):
        return (
            f"{lock.name} has no `{match[1]}`, which pyproject.toml makes a project of: it is "
            "another project's lock, or older. Run `uv lock`."
        )
    if match := re.search(r"incompatible with the project's Python requirement: `([^`]+)`", reason):
        return (
            f"requires-python is `{match[1]}`, and the base has Python {python_version()}: "
            "loosen it and write the lock anew with `uv lock`, or say another `python` in "
            "uv.lock(…) of MODULE.bazel."
        )
    return f"uv can't use {lock.name} with pyproject.toml, it says: {reason}."


def _nodes(graph: dict[str, Any]) -> dict[str, Any]:
    return {key: node for key, node in graph["resolution"].items() if node.get("name")}


def _edges(nodes: dict[str, Any], name: str, installed: dict[str, str | None]) -> set[str]:
    """Return names of what a distribution requires on a platform.

    The extras that lead to what is installed count, too.
    """
    found = set()
    for node in nodes.values():
        if node["name"] != name or node.get("version") not in (installed[name], None):
            continue
        found |= {
            nodes[edge["id"]]["name"]
            for edge in node.get("dependencies", [])
            if edge["id"] in nodes
        }
    return found - {name}


def _group_sets(graph: dict[str, Any], runtime: dict[str, Any]) -> dict[str, Any]:
    """Return a set for each group and extra of the project, on top of what `runtime` is."""
    sets: dict[str, Any] = {}
    wanted = runtime.get("package")
    for member in graph["members"]:
        node = graph["resolution"].get(member["id"], {})
        if wanted:
            other = member["name"] != wanted
        else:
            other = member["path"] != graph.get("target", member["path"])
        if other:
            continue
        for group in node.get("dependency_groups", []):
            if group["name"] != RUNTIME:
                sets[group["name"]] = {
                    **runtime,
                    "groups": [*runtime.get("groups", []), group["name"]],
                }
        for extra in node.get("optional_dependencies", []):
            name = "extra_" + extra["name"]
            sets[name] = {**runtime, "extras": [*runtime.get("extras", []), extra["name"]]}
    return sets


def _source_key(source: Any) -> str:
    """Return a name of a source in uv's graph that the lock's has, too."""
    if not isinstance(source, dict):
        return ""
    kind, value = next(iter(source.items()))
    if isinstance(value, dict):
        value = value.get("url") or value.get("path") or ""
    return f"{kind} {value}"


def _lock_key(source: dict[str, str], root: Path) -> str:
    kind, value = next(iter(source.items()))
    return f"{kind} {value}" if "://" in value else f"{kind} {(root / value).resolve()}"


def _members(graph: dict[str, Any]) -> set[str]:
    return {f"{member['path']}/pyproject.toml" for member in graph["members"]}


def _indexes(pyproject: dict[str, Any], project: Path, root: Path) -> list[str]:
    """Return `NAME ADDRESS` of the project's own indexes, without credentials."""
    tables = [pyproject]
    if root != project and (root / "pyproject.toml").is_file():
        tables.append(_toml(root / "pyproject.toml", "pyproject.toml"))
    found = []
    for table in tables:
        for index in table.get("tool", {}).get("uv", {}).get("index", []):
            url = re.sub(r"://[^/@]*@", "://", str(index.get("url", "")))
            if "://" in url and index.get("format", "simple") == "simple":
                found.append(f"{index.get('name', 'unnamed')} {url}")
    return list(dict.fromkeys(found))


def _choose(pythons: list[str]) -> str:
    """Return which Pythons would do, and how to have the first of them."""
    return (
        f'Python {" and ".join(pythons)}: say `python = "{pythons[0]}"` in uv.lock(…) of '
        "MODULE.bazel"
    )


def _refusal(reason: str, name: str, platform: str, pythons: tuple[str, list[str]]) -> str:
    """Return why a set can't be had on a platform, and what to do."""
    missing = _MISSING.search(reason)
    if missing:
        python, others = pythons
        remedy = (
            f"It has one for {_choose(others)}"
            if others
            else "Take a version that has one, or build for the other platform alone "
            "(`platforms` of fastapi_image)"
        )
        return (
            f"{missing[1]} {missing[2]} has no wheel for {platform} and Python {python} in the "
            "lock, and no source "
            f"distribution. {remedy}"
        )
    if "is not defined in" in reason or "Could not find root package" in reason:
        reason += (
            f". Correct what makes the set {name}: extras, groups and package of uv.lock(…) in "
            "MODULE.bazel"
        )
    return f"the set {name} can't be installed on {platform}, uv says: {reason}"
