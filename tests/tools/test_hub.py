"""Hub mode: which Bazel is started, and where it comes from."""

import pytest

from tests.tools.machine import Machine

SAYS = 'echo "$0 $* $BAZELISK_SKIP_WRAPPER $UV_DEFAULT_INDEX"; exit 5'
NPM = """
[ "$1" = install ] || exit 9
while [ $# -gt 1 ]; do [ "$1" = --prefix ] && folder="$2"; shift; done
target="$folder/node_modules/@bazel/bazelisk"
mkdir -p "$target"
printf '#!/bin/sh\\necho "$1 from npm"\\n' > "$target/bazelisk-linux_amd64"
chmod +x "$target/bazelisk-linux_amd64"
cp "$target/bazelisk-linux_amd64" "$target/bazelisk-linux_arm64"
echo installed >> "$HOME/npm-log"
"""


@pytest.fixture
def hub(machine: Machine) -> Machine:
    machine.user_bazelrc.write_text("common --config=hub\n")
    machine.only("sh", "mkdir", "chmod", "cp")
    return machine


def test_bazelisk_comes_first(hub: Machine) -> None:
    hub.program("bazel", SAYS)
    bazelisk = hub.program("bazelisk", SAYS)
    done = hub.run("build", "//:x")
    assert (done.returncode, done.stderr) == (5, "")
    assert done.stdout == f"{bazelisk} build //:x true \n"


def test_bazel_on_path(hub: Machine) -> None:
    bazel = hub.program("bazel", SAYS)
    assert hub.run("info").stdout.startswith(f"{bazel} info")


def test_uv_gets_pips_index(hub: Machine) -> None:
    hub.program("bazel", SAYS)
    done = hub.run("info", PIP_INDEX_URL="https://pypi.example/simple")
    assert done.stdout.endswith("info true https://pypi.example/simple\n")


def test_by_bazelisk_nothing_else_changes(hub: Machine) -> None:
    real = str(hub.program("bazel-7.7.1", SAYS))
    done = hub.run("info", BAZEL_REAL=real, PIP_INDEX_URL="https://pypi.example/simple")
    assert done.stdout == f"{real} info true https://pypi.example/simple\n"


def test_the_front_door_on_path_is_not_bazel(hub: Machine) -> None:
    (hub.programs / "bazel").symlink_to(hub.checkout / "tools/bazel")
    assert "there is no bazelisk, bazel or npm on PATH" in hub.error("info")


def test_nothing_there(hub: Machine) -> None:
    message = hub.error("info")
    assert message.startswith("tools/bazel: hub mode needs Bazelisk")
    assert message.endswith("tools/bazel --mode=mirror")


def test_npm_installs_bazelisk_once(hub: Machine) -> None:
    hub.program("npm", NPM)
    hub.program("node", "")
    first = hub.run("info")
    assert first.stdout == "info from npm\n", first
    assert first.stderr.endswith("from npm, once\n")
    second = hub.run("build")
    assert (second.stdout, second.stderr) == ("build from npm\n", "")
    assert (hub.home / "npm-log").read_text() == "installed\n"
    assert [entry.name for entry in hub.cache.iterdir()] == ["bazelisk-1.28.1"]


def test_npm_fails(hub: Machine) -> None:
    hub.program("npm", "echo 'npm error network down' >&2; exit 1")
    hub.program("node", "")
    assert "npm can't install Bazelisk (npm error network down): install" in hub.error("info")
    assert list(hub.cache.iterdir()) == []


def test_npm_has_no_binary_for_this_cpu(hub: Machine) -> None:
    hub.program("npm", "exit 0")
    hub.program("node", "")
    assert "has no binary for this machine" in hub.error("info")
