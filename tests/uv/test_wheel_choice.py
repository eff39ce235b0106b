"""The wheel of each platform is the one that uv installs from the same lock."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from reader.sources import file_name
from reader.wheels import Choice

from tests.uv.index import Index, make_wheel
from tests.uv.reading import libraries

sys.path.extend(libraries())  # `packaging`, which reader.wheels imports

ARCHES = ("x86_64", "aarch64")
# uv 0.13 knows glibc up to 2.40.
GLIBC = 40
PYTHONS = ("3.11", "3.12", "3.13", "3.14")

# What distributions of version 1.0 have, besides py3-none-any: `[BUILD-]PYTHON-ABI-PLATFORM`.
# `*` stands for each CPU.
CASES = {
    "abi3": [
        "cp38-abi3-manylinux_2_17_*",
        "cp312-abi3-manylinux_2_17_*",
        "cp313-cp313-musllinux_1_2_*",
    ],
    "abi3-beside-own": [
        *(f"cp3{minor}-cp3{minor}-manylinux_2_17_*" for minor in (12, 13)),
        "cp311-abi3-manylinux_2_28_*",
    ],
    "abi3-of-a-newer": ["cp314-abi3-manylinux_2_17_*", "cp39-abi3-linux_*"],
    "any-of-each": ["py2.py3-none-any", "py313-none-any", "cp313-none-any", "cp312-none-any"],
    "any-py2-py3": ["py2.py3-none-any"],
    "builds": ["1-py3-none-any", "2-py3-none-any", "10-py3-none-any"],
    "builds-with-letters": ["1a-py3-none-any", "1b-py3-none-any", "1-py3-none-any"],
    "builds-against-tags": ["9-py3-none-any", "py3-none-manylinux_2_17_*"],
    "compressed": [
        "cp311.cp312.cp313.cp314-abi3-manylinux_2_17_*.manylinux2014_*",
        "cp313-cp313-manylinux_2_5_*.manylinux1_*.manylinux_2_17_*",
    ],
    "compressed-pythons": ["py2.py3.cp313-none-manylinux_2_17_*", "py3-none-manylinux_2_28_*"],
    "free-threaded": [
        "cp313-cp313t-manylinux_2_28_*",
        "cp314-cp314t-manylinux_2_28_*",
        "cp314-abi3t-manylinux_2_28_*",
        "cp313-cp313-manylinux_2_17_*",
    ],
    "glibcs": [f"cp313-cp313-manylinux_2_{minor}_*" for minor in (17, 28, 31, 34, 39, 40, 41, 42)],
    "glibcs-without-abi": [f"py3-none-manylinux_2_{minor}_*" for minor in (5, 12, 17, 24, 40)],
    "legacy": [
        "cp313-cp313-manylinux1_*",
        "cp313-cp313-manylinux2010_*",
        "cp313-cp313-manylinux2014_*",
    ],
    "legacy-and-new": ["py3-none-manylinux2014_*", "py3-none-manylinux_2_17_*"],
    "linux": ["cp313-cp313-linux_*", "py3-none-linux_*"],
    "linux-and-manylinux": ["cp313-cp313-linux_*", "cp313-cp313-manylinux_2_17_*"],
    "musl": ["cp313-cp313-musllinux_1_2_*", "py3-none-musllinux_1_1_*"],
    "musl-beside-manylinux": [
        "cp313-cp313-musllinux_1_2_*",
        "cp313-cp313-manylinux_2_17_*.musllinux_1_1_*",
    ],
    "none": [f"cp3{minor}-none-manylinux_2_17_*" for minor in (11, 12, 13, 14)],
    "none-and-abi3": ["cp313-none-manylinux_2_17_*", "cp313-abi3-manylinux_2_17_*"],
    "none-of-an-older": ["cp311-none-manylinux_2_17_*", "py311-none-manylinux_2_17_*"],
    "one-cpu": ["cp313-cp313-manylinux_2_17_x86_64"],
    "other-cpu": ["cp313-cp313-manylinux_2_17_aarch64", "py3-none-manylinux_2_17_aarch64"],
    "other-systems": [
        "cp313-cp313-win_amd64",
        "cp313-cp313-macosx_11_0_arm64",
        "cp313-cp313-manylinux_2_17_i686",
        "cp313-cp313-manylinux_2_31_riscv64",
        "pp311-pypy311_pp73-manylinux_2_17_*",
        "cp313-cp313-android_21_arm64_v8a",
    ],
    "own": [f"cp3{minor}-cp3{minor}-manylinux_2_17_*" for minor in (11, 12, 13, 14)],
    "pure-per-python": ["py311-none-any", "py312-none-any", "py314-none-any", "py38-none-any"],
    "py3-manylinux-compressed": ["py3-none-manylinux_2_17_*.manylinux2014_*.musllinux_1_1_*"],
    "same-tags-twice": ["py3.py2-none-any", "py2.py3-none-any"],
}


def _cases(folder: Path) -> list[str]:
    for name, tags in CASES.items():
        for tag in ["py3-none-any", *tags]:
            for arch in ARCHES:
                words = tag.replace("*", arch).split("-")
                wheel = make_wheel(folder, name, "1.0", {}, tag="-".join(words[-3:]))
                wheel.rename(folder / f"{name.replace('-', '_')}-1.0-{'-'.join(words)}.whl")
    return sorted(CASES)


def _lock(uv: Path, project: Path, index: Index, names: list[str]) -> Path:
    """A project that depends on these, locked by uv."""
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.11"\n'
        f"dependencies = {json.dumps(names)}\n"
    )
    subprocess.run(
        [uv, "lock", "--quiet", f"--python={sys.executable}"],
        cwd=project,
        env=index.environ(project),
        check=True,
    )
    return project / "uv.lock"


def _files(lock: Path) -> dict[str, list[str]]:
    """Name → names of the wheels, in the lock's order."""
    return {
        package["name"]: [file_name(wheel, package["source"]) for wheel in package["wheels"]]
        for package in tomllib.loads(lock.read_text())["package"]
        if package.get("wheels")
    }


def installed(uv: Path, project: Path, index: Index, python: Path, platform: str) -> dict[str, str]:
    """What uv downloads when it installs the lock for a platform: name → file name."""
    index.requests.clear()
    environment = project / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    done = subprocess.run(
        [
            *(uv, "sync", "--frozen", "--no-install-project", "--no-cache", "--quiet"),
            *(f"--python={python}", f"--python-platform={platform}", "--no-python-downloads"),
        ],
        cwd=project,
        env=index.environ(project) | {"UV_PROJECT_ENVIRONMENT": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = [path.rpartition("/")[2] for path in index.requests if path.endswith(".whl")]
    return {name.partition("-")[0].replace("_", "-"): name for name in names}


def _interpreters(folder: Path) -> dict[str, Path]:
    """For each of PYTHONS something that uv takes for it.

    All of these are the interpreter of this test: what differs is what uv asks it, once, and
    what the tags of wheels depend on.
    """
    found = {}
    own = "{}.{}".format(*sys.version_info)
    for version in PYTHONS:
        path = folder / f"python{version}"
        said = f"s/\\b{re.escape(own)}\\b/{version}/g"
        path.write_text(
            "#!/bin/bash\n"
            f'case "$*" in *get_interpreter_info*) "{sys.executable}" "$@" | sed -E "{said}";;\n'
            f'*) exec "{sys.executable}" "$@";; esac\n'
        )
        path.chmod(0o755)
        found[version] = path
    return found


def _chosen(files: dict[str, list[str]], python: str, arch: str) -> dict[str, str | None]:
    choice = Choice(python, arch, GLIBC)
    return {name: choice.best(wheels) for name, wheels in files.items()}


def test_hard_cases(uv: Path, index: Index, tmp_path: Path) -> None:
    lock = _lock(uv, tmp_path / "project", index, _cases(index.folder))
    for python, interpreter in _interpreters(tmp_path).items():
        for arch in ARCHES:
            uvs = installed(uv, lock.parent, index, interpreter, f"{arch}-manylinux_2_{GLIBC}")
            assert _chosen(_files(lock), python, arch) == uvs, (python, arch)
            assert len(uvs) == len(CASES)


def test_the_first_among_equals(uv: Path, index: Index, tmp_path: Path) -> None:
    """Also where another program has written the lock in another order."""
    wheels = [
        make_wheel(index.folder, "case", "1.0", {}, tag=f"{tag}-none-any")
        for tag in ("py2.py3", "py3", "py3.py2")
    ]
    lock = _lock(uv, tmp_path / "project", index, ["case"])
    head, bracket, rest = lock.read_text().partition("wheels = [\n")
    lines, end, tail = rest.partition("]\n")
    assert len(lines.splitlines()) == len(wheels)
    for _ in range(len(wheels)):
        first, *others = lines.splitlines(keepends=True)
        lines = "".join([*others, first])
        lock.write_text(f"{head}{bracket}{lines}{end}{tail}")
        uvs = installed(uv, lock.parent, index, Path(sys.executable), f"x86_64-manylinux_2_{GLIBC}")
        assert uvs == _chosen(_files(lock), "3.13", "x86_64") == {"case": _files(lock)["case"][0]}


@pytest.mark.parametrize("arch", ARCHES)
def test_no_wheel(arch: str) -> None:
    other = {"x86_64": "aarch64", "aarch64": "x86_64"}[arch]
    choice = Choice("3.13", arch, GLIBC)
    for tag in (
        f"cp313-cp313-manylinux_2_17_{other}",
        "cp314-cp314-win_amd64",
        "py2-none-any",
        "cp312-cp312-any",
        "x",
    ):
        assert choice.best([f"case-1.0-{tag}.whl"]) is None
    assert choice.best([]) is None


@pytest.mark.parametrize("arch", ARCHES)
def test_this_repositorys_lock(uv: Path, index: Index, tmp_path: Path, arch: str) -> None:
    """Of every distribution, runtime's and the tools', with wheels of the same names."""
    packages = {
        package["name"]: package
        for package in tomllib.loads(Path("uv.lock").read_text())["package"]
        if package.get("wheels")
    }
    locked = _files(Path("uv.lock"))
    any_linux = {
        name: files
        for name, files in locked.items()
        if Choice("3.13", arch, GLIBC).best(files)  # not Windows' alone
    }
    for name, files in any_linux.items():
        for file in files:
            make_wheel(index.folder, name, packages[name]["version"], {}).rename(
                index.folder / file
            )
    names = [f"{name}=={packages[name]['version']}" for name in any_linux]
    lock = _lock(uv, tmp_path / "project", index, names)
    uvs = installed(uv, lock.parent, index, Path(sys.executable), f"{arch}-manylinux_2_{GLIBC}")
    assert len(uvs) > 100
    assert uvs == _chosen(any_linux, "3.13", arch)
