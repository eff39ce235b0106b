"""Sub-command `set`: the facts of distributions that share an environment, and who wins where two have one file.

    set FACTS LOST REQUEST

REQUEST is a JSON object: {"platform", "collisions", "winners", "distributions": [{"name", "version", "wheel", "sha256",
"requires", "path"}, …]}. FACTS gets the same without paths, and each distribution's licence. LOST gets
{name: [path, …]}: what another distribution's file replaces.

uv installs in parallel, and whoever comes last wins. Here the rule is fixed: of two different files at one path that of a
distribution in `winners` stays, the first of these first; else that of the distribution whose name comes last in the
alphabet. `collisions` says what to do about it: "warn" prints one line for each pair of distributions, "error" fails.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib

from installer.utils import parse_entrypoints
from wheels.errors import WheelError
from wheels.licence import licence
from wheels.wheel import SITE_PACKAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Path in the environment → what tells contents apart: CRC-32 and size; of a console script, CRC-32 of its object and -1.
Files = dict[str, tuple[int, int]]

# What a worker has read: (path, digest of the wheel) → its files and licence.
_read: dict[tuple[str, str], tuple[Files, str]] = {}


def prepare(arguments: list[str]) -> None:
    """Read the wheels, so that the worker keeps what is in them: a bump changes one."""
    _distributions(_request(arguments[2]))


def run(arguments: list[str]) -> None:
    """Write the facts and the losers."""
    facts, lost, request_file = arguments
    request = _request(request_file)
    owned = _distributions(request)
    losers, lines = settle({name: files for name, (files, _) in owned.items()}, request["winners"])
    if lines and request["collisions"] == "error":
        raise WheelError(" ".join(lines) + ' (collisions = "error")')
    for line in lines:
        print(f"INFO: {line}", file=sys.stderr)
    distributions = [
        {
            "licence": owned[each["name"]][1],
            **{key: each[key] for key in ("name", "requires", "sha256", "version", "wheel")},
        }
        for each in request["distributions"]
    ]
    _write(facts, {"distributions": distributions, "platform": request["platform"]})
    _write(lost, losers)


def settle(owned: dict[str, Files], winners: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return what each distribution loses, and a line for each pair that has different files at one path.

    >>> settle({"a": {"x": (1, 1)}, "b": {"x": (2, 1)}}, [])[0]
    {'a': ['x']}
    >>> settle({"a": {"x": (1, 1)}, "b": {"x": (2, 1)}}, ["a"])[0]
    {'b': ['x']}
    """
    # The best last: it replaces what came before.
    order = sorted(owned, key=lambda name: (-winners.index(name) if name in winners else -len(winners) - 1, name))
    holders: dict[str, str] = {}
    lost: dict[str, list[str]] = {}
    pairs: dict[tuple[str, str], list[str]] = {}
    for name in order:
        for path, content in owned[name].items():
            other = holders.get(path)
            holders[path] = name
            if other is not None and owned[other][path] != content:
                lost.setdefault(other, []).append(path)
                pairs.setdefault((name, other), []).append(path)
    lines = []
    for (winner, loser), paths in sorted(pairs.items()):
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        lines.append(f"{winner} and {loser} both have {sorted(paths)[0]}{more}, with different content: {winner}'s is in the image.")
    return {name: sorted(paths) for name, paths in sorted(lost.items())}, lines


def _request(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        request: dict[str, Any] = json.load(file)
    return request


def _distributions(request: dict[str, Any]) -> dict[str, tuple[Files, str]]:
    found = {}
    for each in request["distributions"]:
        key = (each["path"], each["sha256"])
        # What was built here has no digest to know it by.
        if key not in _read or not each["sha256"] or not each["wheel"].endswith(".whl"):
            _read[key] = _files(each["path"], f"{each['name']} {each['version']}")
        found[each["name"]] = _read[key]
    return found


def _files(path: str, label: str) -> tuple[Files, str]:
    """Return a wheel's files and licence, from its directory: what the files hold, its layer reads."""
    files: Files = {}
    metadata = b""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                first, _, rest = entry.filename.partition("/")
                if entry.filename.endswith("/") or entry.filename.endswith(".dist-info/RECORD"):
                    continue
                place = SITE_PACKAGES + entry.filename
                if first.endswith(".data"):
                    scheme, _, inside = rest.partition("/")
                    place = {"scripts": f"bin/{inside}", "data": inside, "headers": ""}.get(
                        scheme, SITE_PACKAGES + inside
                    )
                elif first.endswith(".dist-info") and rest == "METADATA":
                    metadata = archive.read(entry)
                elif first.endswith(".dist-info") and rest == "entry_points.txt":
                    for name, module, attribute, _ in parse_entrypoints(archive.read(entry).decode()):
                        files[f"bin/{name}"] = (zlib.crc32(f"{module}:{attribute}".encode()), -1)
                if place:
                    files[place] = (entry.CRC, entry.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, AssertionError) as error:
        raise WheelError(f"{label}: the wheel is damaged or is not a valid wheel ({error}).") from None
    return files, licence(metadata)


def _write(path: str, content: object) -> None:
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, sort_keys=True, ensure_ascii=False)
        file.write("\n")
