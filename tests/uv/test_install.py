"""install.py, with the real uv and an index on the loopback interface."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.uv.index import Index, make_wheel, serve, sha256
from tests.uv.installer import INSTALL, Installer


def test_installs_a_wheel_and_tells_its_facts(install: Installer, index: Index) -> None:
    metadata = "License-Expression: MIT\n"
    wheel = make_wheel(index.folder, "two-words", "1.0", metadata=metadata)
    result = install("two-words")
    site = "lib/python3.13/site-packages"
    info = f"{site}/two_words-1.0.dist-info"
    assert sorted(result.tree) == [
        f"{info}/METADATA",
        f"{info}/RECORD",
        f"{info}/WHEEL",
        f"{site}/two_words.py",
    ]
    files = [path for path in (result.folder / "site-packages").rglob("*") if path.is_file()]
    assert result.facts == {
        "wheel": wheel.name,
        "sha256": sha256(wheel),
        "size": sum(path.stat().st_size for path in files),
        "licence": "MIT",
        "record": "site-packages/two_words-1.0.dist-info/RECORD",
        "packed": False,
    }


def test_two_runs_leave_the_same_tree_and_the_second_needs_no_index(
    install: Installer, index: Index
) -> None:
    make_wheel(
        index.folder,
        "pkg",
        "1.0",
        {"pkg/__init__.py": "", "pkg-1.0.data/scripts/run": "#!python\n"},
    )
    first = install("pkg")
    index.status = 500
    second = install("pkg")
    assert first.facts == second.facts
    assert first.tree == second.tree


def test_no_index_is_written_anywhere(install: Installer, index: Index, tmp_path: Path) -> None:
    make_wheel(index.folder, "pkg", "1.0")
    one = install("pkg")
    with serve(index.folder) as other:
        cache = str(tmp_path / "another cache")
        another = install("pkg", UV_DEFAULT_INDEX=other.url, UV_CACHE_DIR=cache)
    assert other.url != index.url
    assert (one.facts, one.tree) == (another.facts, another.tree)


def test_ignores_what_the_user_set_for_other_uv_runs(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0")
    plain = install("pkg")
    loaded = install(
        "pkg",
        UV_COMPILE_BYTECODE="1",
        UV_LINK_MODE="symlink",
        UV_NO_BINARY="1",
        UV_EXCLUDE_NEWER="2000-01-01",
    )
    assert plain.tree == loaded.tree
    assert not any(path.is_symlink() for path in loaded.folder.rglob("*"))


def test_takes_the_platforms_wheel(install: Installer, index: Index) -> None:
    tags = [
        f"cp313-cp313-{tag}"
        for tag in ("manylinux_2_17_aarch64", "manylinux_2_28_x86_64", "win_amd64")
    ]
    for tag in tags:
        make_wheel(index.folder, "pkg", "1.0", tag=tag)
    assert install("pkg").facts["wheel"] == f"pkg-1.0-{tags[1]}.whl"
    assert install("pkg", arch="aarch64").facts["wheel"] == f"pkg-1.0-{tags[0]}.whl"


def test_console_scripts_go_and_the_wheels_own_scripts_stay_portable(
    install: Installer, index: Index
) -> None:
    make_wheel(
        index.folder,
        "pkg",
        "1.0",
        {
            "pkg.py": "def main(): ...\n",
            "pkg-1.0.dist-info/entry_points.txt": "[console_scripts]\nMade = pkg:main\n"
            "[other]\nx = y\n",
            "pkg-1.0.data/scripts/own": "#!python\nprint('own')\n",
            "pkg-1.0.data/scripts/shell": "#!/bin/sh\n",
            "pkg-1.0.data/data/share/doc.txt": "doc",
            "pkg-1.0.data/headers/pkg.h": "",
        },
    )
    result = install("pkg")
    assert result.facts["packed"] is False
    assert {path.name: path.read_text() for path in (result.folder / "bin").iterdir()} == {
        "own": "#!python\nprint('own')\n",
        "shell": "#!/bin/sh\n",
    }
    assert (result.folder / "data/share/doc.txt").read_text() == "doc"
    assert (result.folder / "data/include/site/python3.13/pkg/pkg.h").exists()
    record = (result.folder / "site-packages/pkg-1.0.dist-info/RECORD").read_text()
    # printf "#!python\nprint('own')\n" | openssl dgst -sha256 -binary | basenc --base64url
    assert "../../../bin/own,sha256=Y1eHkrw6ZD5sXoJTl-gdHcJridRWwlUVD-tGDnMsAQ0,22\n" in record
    assert "Made" not in record


def test_brings_no_bytecode_along(install: Installer, index: Index) -> None:
    make_wheel(
        index.folder, "pkg", "1.0", {"pkg/a.py": "", "pkg/__pycache__/a.cpython-313.pyc": b"x"}
    )
    result = install("pkg")
    assert not any("__pycache__" in path for path in result.tree)
    record = (result.folder / "site-packages/pkg-1.0.dist-info/RECORD").read_text()
    assert "__pycache__" not in record


def test_leaves_uvs_cache_untouched(install: Installer, index: Index) -> None:
    make_wheel(
        index.folder, "pkg", "1.0", {"pkg.py": "", "pkg/__pycache__/a.cpython-313.pyc": b"x"}
    )
    result = install("pkg")
    (record,) = (install.tmp_path / "cache").rglob("pkg-1.0.dist-info/RECORD")
    assert "__pycache__" in record.read_text()
    assert result.code == 0


@pytest.mark.parametrize("name", ["a b.txt", "ü→.txt", "comma,quote'.txt"])
def test_unusual_names_are_kept(install: Installer, index: Index, name: str) -> None:
    make_wheel(index.folder, "pkg", "1.0", {f"pkg/{name}": "x"})
    result = install("pkg")
    assert result.facts["packed"] is False
    assert (result.folder / "site-packages/pkg" / name).read_text() == "x"


@pytest.mark.parametrize("name", ["BUILD", "sub/BUILD.bazel", "co:lon", "back\\slash"])
def test_names_that_are_no_labels_travel_in_an_archive(
    install: Installer, index: Index, name: str
) -> None:
    make_wheel(
        index.folder, "pkg", "1.0", {f"pkg/{name}": "x", "pkg-1.0.data/scripts/s": "#!/bin/sh\n"}
    )
    result = install("pkg")
    assert result.facts["packed"] is True
    assert {path.name for path in result.folder.iterdir()} == {
        "site-packages.tar",
        "bin.tar",
        "data.tar",
        "listing",
    }
    unpack = INSTALL.with_name("unpack.py")
    tree = result.folder / "tree"
    subprocess.run([sys.executable, unpack, result.folder / "site-packages.tar", tree], check=True)
    assert (tree / "pkg" / name).read_text() == "x"


LICENCES = {
    "License-Expression: MIT OR Apache-2.0\nLicense: other\n": "MIT OR Apache-2.0",
    "License: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License\n": "BSD-3-Clause",
    "License: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n": "MIT License",
    "License: Long\n text\nClassifier: License :: OSI Approved :: ISC License\n": "ISC License",
    "License: Long\n text of it\n": "Long",
    "Classifier: License :: OSI Approved\n": "",
    "": "",
}


@pytest.mark.parametrize(("metadata", "licence"), LICENCES.items(), ids=range(len(LICENCES)))
def test_licence(install: Installer, index: Index, metadata: str, licence: str) -> None:
    make_wheel(index.folder, "pkg", "1.0", metadata=metadata)
    assert install("pkg").facts["licence"] == licence


# Failures: one line each, with the package and what to do, and nothing left behind.


def test_hash_mismatch(install: Installer, index: Index) -> None:
    wheel = make_wheel(index.folder, "pkg", "1.0")
    line = install("pkg", wheels={wheel.name: "0" * 64}).failed()
    assert line.startswith(
        "pkg 1.0: the index serves other bytes under this name than uv.lock pins"
    )
    assert "bazel run //:lock -- --upgrade-package pkg" in line


def test_package_missing_on_the_index(install: Installer) -> None:
    line = install("nowhere", wheels={"nowhere-1.0-py3-none-any.whl": "0" * 64}).failed()
    assert (
        line
        == "nowhere 1.0: the index that this machine is configured for does not have this package."
    )


def test_version_missing_on_the_index(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0")
    line = install("pkg", "2.0", wheels={"pkg-2.0-py3-none-any.whl": "0" * 64}).failed()
    assert line.startswith(
        "pkg 2.0: the index that this machine is configured for does not have this version."
    )
    assert "bazel run //:lock -- --upgrade-package pkg" in line


def test_index_unreachable_and_its_address_and_credentials_stay_private(install: Installer) -> None:
    line = install(
        "pkg",
        wheels={"pkg-1.0-py3-none-any.whl": "0" * 64},
        UV_DEFAULT_INDEX="http://fake-user:fake-password@127.0.0.1:9/simple",
    ).failed()
    assert line.startswith(
        "pkg 1.0: the index that this machine is configured for can't be reached."
    )
    for private in ("fake-user", "fake-password", "127.0.0.1"):
        assert private not in line


@pytest.mark.parametrize("status", [401, 403, 500])
def test_index_refuses(install: Installer, index: Index, status: int) -> None:
    wheel = make_wheel(index.folder, "pkg", "1.0")
    index.status = status
    line = install("pkg", wheels={wheel.name: sha256(wheel)}).failed()
    assert line.startswith(
        "pkg 1.0: the index that this machine is configured for refuses the request"
    )
    assert "127.0.0.1" not in line


def test_only_a_source_distribution(install: Installer, index: Index) -> None:
    (index.folder / "pkg-1.0.tar.gz").write_bytes(b"never read")
    line = install("pkg", wheels={}).failed()
    assert line.startswith("pkg 1.0: no wheel for linux/amd64 and Python 3.13")
    assert "Take a version that has one" in line


def test_only_a_wheel_for_another_platform(install: Installer, index: Index) -> None:
    make_wheel(index.folder, "pkg", "1.0", tag="cp313-cp313-manylinux_2_17_aarch64")
    assert install("pkg").failed().startswith("pkg 1.0: no wheel for linux/amd64 and Python 3.13")
