"""Which of apt's sources is Debian's archive."""

from pathlib import Path

import pytest
from frontdoor import sources
from frontdoor.problem import Problem

DEB822 = """\
# A comment
Types: deb deb-src
# snapshot of a day
URIs: http://debian.example/debian/ http://second.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
Languages: none

Types: deb
URIs: http://debian.example/debian-security
Suites: bookworm-security
Components: main
"""
OTHERS = """\
deb https://postgres.example/apt bookworm-pgdg main
deb [arch=amd64 signed-by=/x.gpg] https://docker.example/debian bookworm stable
deb-src http://sources.example/debian bookworm main
# deb http://comment.example/debian bookworm main
"""


@pytest.fixture(autouse=True)
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(sources.VARIABLE, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_the_deb822_format(etc: Path) -> None:
    (etc / "sources.list.d/debian.sources").write_text(DEB822)
    source = sources.debian(str(etc))
    assert source.address == source.base() == "http://debian.example/debian"
    assert source.options == {"Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg"}


def test_a_key_given_in_place(etc: Path) -> None:
    key = (
        "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----"
    )
    text = "Types: deb\nURIs: http://m.example/debian\nSuites: stable\nComponents: main\n"
    text += f"Signed-By:{key}\n"
    (etc / "sources.list.d/debian.sources").write_text(text)
    assert sources.debian(str(etc)).options == {"Signed-By": key}


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("deb http://m.example/debian bookworm main", {}),
        ("deb  http://m.example/debian/  testing  main  # ours", {}),
        (
            "deb [ trusted=yes arch=amd64,arm64 signed-by=/a.gpg,/b.gpg ]"
            " http://m.example/debian sid main",
            {"Trusted": "yes", "Signed-By": "/a.gpg /b.gpg"},
        ),
    ],
)
def test_the_one_line_format(etc: Path, line: str, options: dict[str, str]) -> None:
    (etc / "sources.list").write_text(f"{OTHERS}{line}\n")
    source = sources.debian(str(etc))
    assert (source.address, source.options) == ("http://m.example/debian", options)


def test_a_mirror_list(etc: Path) -> None:
    (etc / "mirrors").write_text(
        "# nearest first\nhttps://near.example/debian/\nhttps://far.example/d\n"
    )
    (etc / "sources.list").write_text(f"deb mirror+file:{etc}/mirrors bookworm main\n")
    source = sources.debian(str(etc))
    assert source.address == f"mirror+file:{etc}/mirrors"
    assert source.base() == "https://near.example/debian"
    (etc / "mirrors").write_text("# none\n")
    with pytest.raises(Problem, match=r"mirrors, which apt's sources name .* is empty"):
        source.base()


def test_a_disabled_source_and_other_archives_do_not_count(etc: Path) -> None:
    (etc / "sources.list.d/debian.sources").write_text(
        "Enabled: no\n" + DEB822.partition("\n\n")[0]
    )
    (etc / "sources.list").write_text(OTHERS)
    (etc / "sources.list.d/old.list.disabled").write_text(
        "deb http://m.example/debian stable main\n"
    )
    with pytest.raises(Problem, match="name no Debian archive: set FASTAPI_IMAGE_DEBIAN_MIRROR to"):
        sources.debian(str(etc))


def test_the_variable_wins(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (etc / "sources.list.d/debian.sources").write_text(DEB822)
    monkeypatch.setenv(sources.VARIABLE, "https://other.example/debian/")
    source = sources.debian(str(etc))
    assert source.address == "https://other.example/debian"
    assert source.options == {"Signed-By": "/usr/share/keyrings/debian-archive-keyring.gpg"}


def test_the_variable_on_a_machine_without_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(sources.VARIABLE, "https://other.example/debian")
    assert sources.debian("/nonexistent").address == "https://other.example/debian"
