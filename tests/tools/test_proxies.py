"""Proxies that only apt is told of."""

from pathlib import Path

import pytest
from frontdoor import proxies

APT_CONFIG = """#!/bin/sh
[ "$3" = Acquire::http::Proxy ] && echo "VALUE='http://proxy.example:3128/'"
[ "$3" = Acquire::https::Proxy ] && echo "VALUE='DIRECT'"
true
"""


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "apt-config").write_text(APT_CONFIG)
    (tmp_path / "apt-config").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "apt.conf.d").mkdir()
    return tmp_path


def test_apt_has_a_proxy(etc: Path) -> None:
    (etc / "apt.conf.d/80proxy").write_text('Acquire::http::Proxy "http://proxy.example:3128/";')
    assert proxies.from_apt(str(etc)) == {"http_proxy": "http://proxy.example:3128/"}


def test_apt_is_not_asked_where_no_file_speaks_of_one(etc: Path) -> None:
    (etc / "apt.conf").write_text('APT::Install-Recommends "false";')
    assert proxies.from_apt(str(etc)) == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_the_environment_wins(etc: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (etc / "apt.conf").write_text('Acquire::http::Proxy "http://proxy.example:3128/";')
    monkeypatch.setenv(name, "http://other.example")
    assert proxies.from_apt(str(etc)) == {}
