"""Which wheel a platform takes: `packaging`'s tags, in the order in which uv prefers them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# PEP 600: older names of manylinux levels, and the oldest level for each CPU.
_ALIASES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_OLDEST = {"x86_64": 5}
_OLDEST_ELSEWHERE = 17


def platform_tags(arch: str, glibc: int) -> Iterator[str]:
    """Yield the platform tags of a Linux with this glibc 2.x, the best first (PEP 600).

    >>> list(platform_tags("aarch64", 18))
    ['manylinux_2_18_aarch64', 'manylinux_2_17_aarch64', 'manylinux2014_aarch64', 'linux_aarch64']
    """
    oldest = _OLDEST.get(arch, _OLDEST_ELSEWHERE)
    for minor in range(glibc, oldest - 1, -1):
        yield f"manylinux_2_{minor}_{arch}"
        if minor in _ALIASES and (minor == _OLDEST_ELSEWHERE or arch in _OLDEST):
            yield f"{_ALIASES[minor]}_{arch}"
    yield f"linux_{arch}"


class Choice:
    """Chooses wheels for one Python and one platform."""

    def __init__(self, python: str, arch: str, glibc: int) -> None:
        from packaging.tags import compatible_tags, cpython_tags

        version = tuple(int(part) for part in python.split("."))
        tag = "cp" + "".join(map(str, version))
        platforms = list(platform_tags(arch, glibc))
        tags = [
            *cpython_tags(version, abis=[tag], platforms=platforms),
            *compatible_tags(version, tag, platforms),
        ]
        self._rank = {tag: rank for rank, tag in reversed(list(enumerate(tags)))}

    def best(self, files: Iterable[str]) -> str | None:
        """Return the file name of the best wheel, or None.

        Among equals a higher build number wins, then the first in the lock, as in uv.
        """
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename

        found = []
        for file in files:
            try:
                _, _, build, tags = parse_wheel_filename(file)
            except InvalidWheelFilename:
                continue  # as uv: of a name that no installer can read, nothing is known
            ranks = [self._rank[tag] for tag in tags if tag in self._rank]
            if ranks:
                # An empty build number is the lowest.
                found.append(((-min(ranks), build), file))
        return max(found, key=lambda each: each[0])[1] if found else None
