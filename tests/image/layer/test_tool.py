"""The tool as actions run it: the same bytes whatever the machine, and one line when it fails."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import layer
import pytest

from tests import small_disk

TOOL = Path(layer.__file__).parent
WORKER = Path("tools/worker.py").resolve()
SOURCES = {
    "main.py": "app = {1, 2, 'x', frozenset({'a', 'b'})}\n" * 50,
    "pkg/__init__.py": "",
    "pkg/ü.py": "def f(x: int = 1) -> int:\n    return x in {'p', 'q', 'r'}\n",
    "pkg/run.sh": "#!/bin/sh\n",
}


def run(*arguments: str, cwd: Path, tool: Path = TOOL, **environment: str) -> tuple[int, str]:
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", WORKER, tool / "__main__.py", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.returncode, result.stdout + result.stderr


def checkout(folder: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        for name, text in SOURCES.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    finally:
        os.umask(old)


def app(folder: Path, *, reverse: bool = False) -> list[str]:
    order = sorted(SOURCES, reverse=reverse)
    return [
        "app",
        *(f"--path={name}" for name in order),
        *(f"--file={name}" for name in order),
        "--workdir=app",
        "--environment=app/.venv",
        "--application=main:app",
        f"--output={folder / 'layer.tar.gz'}",
    ]


def test_the_same_bytes_whatever_the_machine(tmp_path: Path) -> None:
    digests = set()
    for number, (umask, environment) in enumerate(
        [
            (0o022, {}),
            (0o077, {"TZ": "Pacific/Apia", "LC_ALL": "C", "PYTHONHASHSEED": "1"}),
            (0o000, {"LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "HOME": "/nowhere"}),
            (0o027, {"SOURCE_DATE_EPOCH": "1700000000", "PYTHONOPTIMIZE": "2", "USER": "other"}),
        ]
    ):
        folder = tmp_path / ("checkout " * number + "x")
        checkout(folder, umask)
        os.utime(folder / "main.py", (number * 10**8, number * 10**8))
        # Another place for the tool too: its own path must not get into the bytes.
        tool = shutil.copytree(TOOL, tmp_path / f"tool{number}" / "layer")
        code, output = run(
            *app(folder, reverse=number % 2 == 1), cwd=folder, tool=tool, **environment
        )
        assert (code, output) == (0, "")
        digests.add(hashlib.sha256((folder / "layer.tar.gz").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_same_bytes_whoever_runs_it_on_however_many_cpus(tmp_path: Path) -> None:
    checkout(tmp_path, 0o022)
    run(*app(tmp_path), cwd=tmp_path)
    expected = (tmp_path / "layer.tar.gz").read_bytes()
    user, group, cpu = os.getuid(), os.getgid(), min(os.sched_getaffinity(0))

    def become_another_user_on_one_cpu() -> None:
        os.sched_setaffinity(0, {cpu})
        os.unshare(os.CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"12345 {user} 1")
        Path("/proc/self/gid_map").write_text(f"54321 {group} 1")

    subprocess.run(
        [sys.executable, "-I", "-S", "-B", WORKER, TOOL / "__main__.py", *app(tmp_path)],
        cwd=tmp_path,
        check=True,
        preexec_fn=become_another_user_on_one_cpu,
    )
    assert (tmp_path / "layer.tar.gz").read_bytes() == expected


def test_a_fault_is_one_line_and_leaves_no_output(tmp_path: Path) -> None:
    checkout(tmp_path, 0o022)
    (tmp_path / "pkg/__init__.py").write_text("x = (\n")
    assert run(*app(tmp_path), cwd=tmp_path) == (
        1,
        "ERROR: pkg/__init__.py:1: syntax error: '(' was never closed\n",
    )
    assert not (tmp_path / "layer.tar.gz").exists()


def test_a_full_disk_is_one_line_and_leaves_no_output(tmp_path: Path) -> None:
    checkout(tmp_path, 0o022)
    # What gzip can't make small: the disk must be full before the layer is whole.
    (tmp_path / "main.py").write_text(f"app = {random.Random(1).randbytes(200_000).hex()!r}\n")
    output = tmp_path / "out"
    output.mkdir()
    small = [sys.executable, "-I", small_disk.__file__, str(output), "32768"]
    tool = [
        sys.executable,
        "-I",
        "-S",
        "-B",
        str(WORKER),
        str(TOOL / "__main__.py"),
        *app(tmp_path),
    ]
    # Whether anything is left is seen within, where the small disk is.
    looks = ["/bin/sh", "-c", '"$@"; code=$?; ls -A out; exit $code', "sh"]
    done = subprocess.run(
        [*small, *looks, *tool, f"--output={output / 'layer.tar.gz'}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == small_disk.SKIPPED:
        pytest.skip(f"NOTHING was written, user namespaces are forbidden: {done.stderr}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "ERROR: the disk is full: free some space, then build again\n"


def test_a_file_that_is_missing_is_one_line(tmp_path: Path) -> None:
    code, output = run(*app(tmp_path), cwd=tmp_path)
    assert code == 1
    assert output == "ERROR: [Errno 2] No such file or directory: 'main.py'\n"


def test_arguments_from_a_file(tmp_path: Path) -> None:
    checkout(tmp_path, 0o022)
    run(*app(tmp_path), cwd=tmp_path)
    expected = (tmp_path / "layer.tar.gz").read_bytes()
    command, *rest = app(tmp_path)
    (tmp_path / "arguments").write_text("\n".join(rest) + "\n")
    assert run(command, "@arguments", cwd=tmp_path) == (0, "")
    assert (tmp_path / "layer.tar.gz").read_bytes() == expected


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "usage: layer app|bytecode|"),
        (["unknown"], 2, "usage: layer app|bytecode|"),
        (["venv"], 1, "ERROR: --environment=… is missing\n"),
        (["venv", "environment"], 1, "ERROR: 'environment' isn't of the form --name=value\n"),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: list[str], code: int, message: str) -> None:
    found, output = run(*arguments, cwd=tmp_path)
    assert found == code
    assert output.startswith(message)


def test_a_worker_gives_the_same_bytes_and_messages(tmp_path: Path) -> None:
    """It keeps the bytecode of what it has compiled; what is wrong it says every time."""
    checkout(tmp_path, 0o022)
    command, *arguments = app(tmp_path)
    assert run(command, *arguments, cwd=tmp_path) == (0, "")
    expected = (tmp_path / "layer.tar.gz").read_bytes()
    words = [sys.executable, "-I", "-S", "-B", str(WORKER), str(TOOL / "__main__.py"), command]
    request = json.dumps({"arguments": arguments}) + "\n"
    main = tmp_path / "main.py"
    source = main.read_text()
    with subprocess.Popen(
        [*words, "--persistent_worker"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:

        def ask(text: str) -> tuple[int, str]:
            assert worker.stdin
            assert worker.stdout
            main.write_text(text)
            worker.stdin.write(request)
            worker.stdin.flush()
            answer = json.loads(worker.stdout.readline())
            return answer["exitCode"], answer["output"]

        for _ in range(2):
            assert ask(source) == (0, "")
            assert (tmp_path / "layer.tar.gz").read_bytes() == expected
            assert ask(source + "x = 1\n") == (0, "")
            assert (tmp_path / "layer.tar.gz").read_bytes() != expected
            assert ask("x = (\n") == (1, "ERROR: main.py:1: syntax error: '(' was never closed\n")
            code, output = ask(source + "assert (x, 'always')\n")
            assert code == 0
            assert "SyntaxWarning: assertion is always true" in output
    assert worker.returncode == 0
