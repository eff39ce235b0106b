"""What `bazel coverage` reports: the runner's tracefile of one test, and those of all together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOP = "def sold(number):\n    if number:\n        return 'sold'\n    return 'nothing'\n"
RECORD = (
    "SF:shop.py\nDA:1,1\nDA:2,1\nDA:3,{}\nDA:4,{}\nLH:3\nLF:4\nend_of_record\n"  # all but one line
)


def script(path: str, *arguments: str, cwd: Path, **environment: str) -> int:
    """Runs a script of this repository with what is importable here; returns its exit code."""
    return subprocess.run(
        [sys.executable, Path(path).absolute(), *arguments],
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path, str(cwd)]),
            "TEST_TMPDIR": str(cwd),
            **environment,
        },
        check=False,
    ).returncode


@pytest.mark.parametrize(
    ("says", "code", "lines"),
    [
        ("sold(1) == 'sold'", 0, (1, 0)),
        ("sold(0) == 'nothing'", 0, (0, 1)),
        ("sold(1) == 'nothing'", 1, (1, 0)),
    ],
)
def test_lines_that_a_test_runs(
    tmp_path: Path, says: str, code: int, lines: tuple[int, int]
) -> None:
    for name, content in {
        "manifest": "shop.py\nother.py\nshop.txt\n",
        "other.py": "",
        "pyproject.toml": "",
        "shop.py": SHOP,
        "test_shop.py": f"from shop import sold\n\ndef test_it():\n    assert {says}\n",
    }.items():
        (tmp_path / name).write_text(content)
    ran = script(
        "tests/run_pytest.py",
        "test_shop.py",
        cwd=tmp_path,
        COVERAGE_DIR=str(tmp_path),
        COVERAGE_MANIFEST="manifest",
    )
    assert ran == code
    assert (tmp_path / "python.dat").read_text() == RECORD.format(*lines)


def test_the_files_of_one_test(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    (folder / "deep").mkdir(parents=True)
    for name in ("b.dat", "deep/a.dat", "c.txt", "_coverage.dat"):
        (folder / name).write_text(f"SF:{name}\n")
    output = folder / "_coverage.dat"
    options = (f"--coverage_dir={folder}", f"--output_file={output}", "--filter_sources=/usr/.+")
    for _ in range(2):  # its own output is none of them
        assert script("tools/tracefiles.py", *options, cwd=tmp_path) == 0
        assert output.read_text() == "SF:b.dat\nSF:deep/a.dat\n"


def test_the_files_of_all_tests(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"SF:{name}\n")
    (tmp_path / "list").write_text("two\nnever-written\none\n")
    options = ("--reports_file=list", "--output_file=all")
    assert script("tools/tracefiles.py", *options, cwd=tmp_path) == 0
    assert (tmp_path / "all").read_text() == "SF:two\nSF:one\n"
