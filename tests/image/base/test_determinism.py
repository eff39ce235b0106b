"""A layer's bytes depend on the packages alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BUILT = Path("image/base/debian/linux_amd64_data.tar.gz")
_PACKAGES = ("ca-certificates", "media-types", "netbase", "tzdata")


def packages() -> list[Path]:
    """The .deb files, wherever the runfiles have the repository."""
    files = {path.name: path for path in Path("..").glob("*debian_3_13_amd64/*.deb")}
    return [files[f"{name}.deb"] for name in _PACKAGES]


@pytest.mark.parametrize(
    ("umask", "environment"),
    [
        (0o022, {}),
        (0o077, {"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"}),
        (0o000, {"SOURCE_DATE_EPOCH": "1700000000", "USER": "nobody", "GZIP": "-1"}),
    ],
)
def test_the_same_bytes_as_in_the_build(
    tmp_path: Path, umask: int, environment: dict[str, str]
) -> None:
    # Another folder, other file times, other order of the packages.
    copies = [Path(shutil.copy(package, tmp_path)) for package in reversed(packages())]
    for at, copy in enumerate(copies):
        os.utime(copy, (at, at))
    output = tmp_path / "layer.tar.gz"
    tool = [Path("tools/worker.py").resolve(), Path("image/private/layer/__main__.py").resolve()]
    options = ["--architecture=amd64", f"--output={output}"]
    options += [f"--deb={copy}" for copy in copies]
    options += ["--symlink=etc/localtime=/usr/share/zoneinfo/Etc/UTC"]
    subprocess.run(
        [sys.executable, "-I", "-S", "-B", *tool, "debs", *options],
        check=True,
        cwd=tmp_path,
        env=environment,
        umask=umask,
    )
    assert output.read_bytes() == _BUILT.read_bytes()
