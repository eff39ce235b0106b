"""worker.py: a tool's sub-command as one action, and as Bazel's persistent worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WORKER = Path("tools/worker.py").resolve()
TOOL = """
import sys

COMMANDS = ("say",)
_PREPARED = []

def prepare(command, arguments):
    _PREPARED.append(command.__name__)
    if arguments == ["unprepared"]:
        raise ValueError("not here")

def run(command, arguments):
    code = command.run(arguments)
    if arguments == ["prepared"]:
        print(_PREPARED)
    return code
"""
SAY = """
import os, sys, time

_MET = []

def run(arguments):
    _MET.append(1)
    print(len(_MET), *arguments)
    os.system("echo from below")
    if arguments == ["fail"]:
        print("ERROR: no", file=sys.stderr)
        return 1
    if arguments == ["raise"]:
        raise KeyError("why")
    if arguments == ["exit"]:
        raise SystemExit(3)
    if arguments == ["die"]:
        os.kill(os.getpid(), 9)
    if arguments[:1] == ["linger"]:
        open(arguments[1], "w").write(str(os.getpid()))
        time.sleep(60)
    return 0
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """The command line up to the tool's arguments."""
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__init__.py").touch()
    main = tmp_path / "tool" / "__main__.py"
    main.write_text(TOOL)
    (tmp_path / "tool" / "say.py").write_text(SAY)
    return [sys.executable, "-I", "-S", "-B", str(WORKER), str(main), "say"]


class Served:
    """A worker, as Bazel talks to it."""

    def __init__(self, words: list[str]) -> None:
        self.process = subprocess.Popen(
            [*words, "--persistent_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, *arguments: str) -> None:
        assert self.process.stdin
        inputs = [{"path": "a", "digest": "b"}]
        request = {"arguments": arguments, "inputs": inputs, "requestId": 0}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, *arguments: str) -> dict[str, Any]:
        self.send(*arguments)
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture
def worker(words: list[str]) -> Iterator[Served]:
    served = Served(words)
    yield served
    served.process.kill()
    served.process.communicate()


def once(words: list[str], *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([*words, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_one_action(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "arguments"
    file.write_text("two\n@three\n", encoding="utf-8")
    code, output, error = once(words, "one", f"@{file}")
    assert (code, error) == (0, "")
    # What is in the file is taken as it is: a label may begin with an @.
    assert sorted(output.splitlines()) == ["1 one two @three", "from below"]
    assert once(words, "fail")[::2] == (1, "ERROR: no\n")
    assert once(words[:-1])[::2] == (2, "usage: tool say …\n")
    assert once([*words[:-1], "shout"])[::2] == (2, "usage: tool say …\n")


def test_every_action_of_a_worker_starts_from_the_same_state(worker: Served) -> None:
    for text in ("one", "ü 漢", "three"):
        answer = worker.ask(text)
        assert (answer["exitCode"], answer["requestId"]) == (0, 0)
        assert sorted(answer["output"].splitlines()) == [f"1 {text}", "from below"]


def test_what_a_worker_prepares_it_keeps(worker: Served, words: list[str]) -> None:
    for text in ("one", "unprepared"):
        assert worker.ask(text)["exitCode"] == 0
    assert "['tool.say', 'tool.say', 'tool.say']" in worker.ask("prepared")["output"]
    assert "[]" in once(words, "prepared")[1], "one action alone needs nothing kept"


@pytest.mark.parametrize(
    ("argument", "code", "line"),
    [
        ("fail", 1, "ERROR: no"),
        ("raise", 1, "KeyError: 'why'"),
        ("exit", 3, "1 exit"),
        ("die", 137, "ended by signal 9"),
    ],
)
def test_a_failure_is_the_actions_alone(
    worker: Served, argument: str, code: int, line: str
) -> None:
    answer = worker.ask(argument)
    assert answer["exitCode"] == code
    assert line in answer["output"].splitlines()
    assert worker.ask("next")["exitCode"] == 0


def test_it_ends_when_bazel_does(worker: Served) -> None:
    worker.ask("one")
    output, error = worker.process.communicate(timeout=20)
    assert (worker.process.returncode, output, error) == (0, b"", b"")


def test_an_action_ends_with_its_worker(worker: Served, tmp_path: Path) -> None:
    """Bazel ends the worker of an interrupted action; a later build may write the same files."""
    file = tmp_path / "pid"
    worker.send("linger", str(file))
    for _ in range(500):
        if file.exists() and file.read_text():
            break
        time.sleep(0.02)
    child = int(file.read_text())
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    for _ in range(500):
        if not Path(f"/proc/{child}").exists():
            break
        try:
            # Its new parent may not have looked yet.
            if " Z " in Path(f"/proc/{child}/stat").read_text():
                break
        except OSError:
            break
        time.sleep(0.02)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the action went on without its worker")
