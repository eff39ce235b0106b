"""Sub-command `set`: the facts of distributions that share an environment, and whose files stay.

    set FACTS LOST REQUEST

REQUEST is a JSON object: {"platform", "collisions", "winners", "distributions": [{"name",
"version", "wheel", "sha256", "requires", "path"}, …]}. FACTS gets the same without paths, and each
distribution's licence. LOST gets {name: [path, …]}: what another distribution's file replaces.

uv installs in parallel, and whoever comes last wins. Here the rule is fixed: of different files at
one path that of a distribution in `winners` stays, the first of these first; else that of the
distribution whose name comes last in the alphabet. `collisions` says what to do about it: "warn"
prints one line for each pair of distributions, "error" fails.
"""

from __future__ import annotations

import json
import sys
import zlib

from wheels import archive, layout
from wheels.entry_points import console_scripts
from wheels.errors import WheelError
from wheels.licence import licence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Path in the environment → what tells contents apart: CRC-32 and size; of a console script the
# CRC-32 of its object, and -1.
Files = dict[str, tuple[int, int]]

# What a worker has read: (path, digest of the wheel) → its files, version and licence.
_read: dict[tuple[str, str], tuple[Files, str, str]] = {}


def prepare(arguments: list[str]) -> None:
    """Read the wheels, so that the worker keeps what is in them: a bump changes one."""
    _distributions(_request(arguments[2]))


def run(arguments: list[str]) -> None:
    """Write the facts and the losers."""
    facts, lost, request_file = arguments
    request = _request(request_file)
    owned = _distributions(request)
    losers, lines = settle(
        {name: files for name, (files, _, _) in owned.items()}, request["winners"]
    )
    if lines and request["collisions"] == "error":
        raise WheelError(" ".join(lines) + ' (collisions = "error")')
    for line in lines:
        print(f"INFO: {line}", file=sys.stderr)
    distributions = [
        {
            "licence": owned[each["name"]][2],
            # A dynamic version is nowhere but in the wheel that was built.
            "version": each["version"] or owned[each["name"]][1],
            **{key: each[key] for key in ("name", "requires", "sha256", "wheel")},
        }
        for each in request["distributions"]
    ]
    _write(facts, {"distributions": distributions, "platform": request["platform"]})
    _write(lost, losers)


def settle(owned: dict[str, Files], winners: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return what each distribution loses, and a line for each pair with different files.

    Raises:
        WheelError: what is a file of one distribution is a folder of another.

    >>> settle({"a": {"x": (1, 1)}, "b": {"x": (2, 1)}}, [])[0]
    {'a': ['x']}
    >>> settle({"a": {"x": (1, 1)}, "b": {"x": (2, 1)}}, ["a"])[0]
    {'b': ['x']}
    """
    rank = {name: len(winners) - number for number, name in enumerate(winners)}
    # The best last: it replaces what came before.
    order = sorted(owned, key=lambda name: (rank.get(name, 0), name))
    holders = {path: name for name in order for path in owned[name]}
    _check_folders(owned, holders)
    lost: dict[str, list[str]] = {}
    pairs: dict[tuple[str, str], list[str]] = {}
    for name in order:
        for path, content in owned[name].items():
            winner = holders[path]
            if winner != name and owned[winner][path] != content:
                lost.setdefault(name, []).append(path)
                pairs.setdefault((winner, name), []).append(path)
    lines = []
    for (winner, loser), paths in sorted(pairs.items()):
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        lines.append(
            f"{winner} and {loser} both have {min(paths)}{more}, with different content: "
            f"{winner}'s is in the image."
        )
    return {name: sorted(paths) for name, paths in sorted(lost.items())}, lines


def _check_folders(owned: dict[str, Files], holders: dict[str, str]) -> None:
    seen: set[str] = set()
    for path, name in holders.items():
        folder = path.rpartition("/")[0]
        while folder and folder not in seen:
            if folder in holders:
                raise WheelError(
                    f"{holders[folder]} has a file {folder}, and {name} has a folder of that name: "
                    "they can't be in one environment. Take another version of one of them."
                )
            seen.add(folder)
            folder = folder.rpartition("/")[0]


def _request(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        request: dict[str, Any] = json.load(file)
    return request


def _distributions(request: dict[str, Any]) -> dict[str, tuple[Files, str, str]]:
    found = {}
    for each in request["distributions"]:
        key = (each["path"], each["sha256"])
        # What was built here has no digest to know it by.
        if key not in _read or not each["sha256"] or not each["wheel"].endswith(".whl"):
            _read[key] = contents(each["path"], f"{each['name']} {each['version']}")
        found[each["name"]] = _read[key]
    return found


def contents(path: str, label: str) -> tuple[Files, str, str]:
    """Return a wheel's files, version and licence, from its directory: its layer reads the rest.

    Raises:
        WheelError: its directory can't be read, or its entry points can't.
    """
    files: Files = {}
    metadata = entry_points = b""
    with archive.opened(path, label) as zipped:
        info = _info(zipped.NameToInfo)
        for entry in layout.data_last(zipped.filelist, info):
            name = entry.filename
            if name.endswith("/") or name == f"{info}/RECORD" or "__pycache__/" in name:
                continue
            scheme, inside = layout.split(name, info)
            files[layout.place(scheme, inside, info)] = (entry.CRC, entry.file_size)
            if name == f"{info}/METADATA":
                metadata = archive.content(zipped, entry, archive.MOST_METADATA)
            elif name == f"{info}/entry_points.txt":
                entry_points = archive.content(zipped, entry, archive.MOST_METADATA)
    for script, (module, attribute) in console_scripts(entry_points, label).items():
        files[f"bin/{script}"] = (zlib.crc32(f"{module}:{attribute}".encode()), -1)
    return files, info.removesuffix(".dist-info").rpartition("-")[2], licence(metadata)


def _info(names: dict[str, Any]) -> str:
    folders = {name.partition("/")[0] for name in names}
    found = [folder for folder in folders if folder.endswith(".dist-info")]
    if len(found) != 1:
        raise ValueError("Wheel doesn't contain exactly one .dist-info directory")
    return found[0]


def _write(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")
