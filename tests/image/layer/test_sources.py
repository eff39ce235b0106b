"""sources.py: what is not packed by what is in the files, and the line that says so."""

from pathlib import Path

import pytest
from layer.errors import LayerError
from layer.options import Options
from layer.sources import is_private_key, run, sentence

KEY = "-----BEGIN {}PRIVATE KEY-----\nMIIE\n-----END {}PRIVATE KEY-----\n"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "])
def test_a_private_key_also_after_its_certificate(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "server.pem"
    file.write_text(CERTIFICATE + KEY.format(kind, kind))
    assert is_private_key(str(file))


@pytest.mark.parametrize(
    "text", [CERTIFICATE, KEY.format("", "").replace("PRIVATE", "PUBLIC"), "{}", ""]
)
def test_what_is_no_private_key(tmp_path: Path, text: str) -> None:
    file = tmp_path / "server.pem"
    file.write_text(text)
    assert not is_private_key(str(file))


def test_puttys_form(tmp_path: Path) -> None:
    file = tmp_path / "server.ppk"
    file.write_text("PuTTY-User-Key-File-3: ssh-ed25519\n")
    assert is_private_key(str(file))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "shop/main.py": "",
        "shop/server.pem": KEY.format("", ""),
        "shop/ca.pem": CERTIFICATE,
        "shop/tests/test_main.py": "",
        "other/tests/x.py": "",
        "shop/.dockerignore": "tests\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def options(tree: Path, *more: str) -> Options:
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*.p*"))
    return Options(
        [
            *(f"--name={name}" for name in names),
            *(f"--file={name}" for name in names),
            *(f"--key={name}" for name in names if name.endswith(".pem")),
            *more,
            "--output=left_out",
        ]
    )


def test_keys_and_patterns(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(options(tree, "--dockerignore=shop/.dockerignore", "--context=shop"))
    assert (tree / "left_out").read_text() == "shop/server.pem\nshop/tests/test_main.py\n"
    assert capsys.readouterr() == (
        "",
        "left out of the image: shop/tests/test_main.py (by .dockerignore); shop/server.pem "
        "(private key)\n",
    )


def test_patterns_from_the_workspaces_folder_on(tree: Path) -> None:
    (tree / "ignore").write_text("shop/tests\nother\n")
    run(options(tree, "--dockerignore=ignore", "--context="))
    assert (tree / "left_out").read_text() == (
        "other/tests/x.py\nshop/server.pem\nshop/tests/test_main.py\n"
    )


def test_what_is_left_out_already_is_said_too(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(
        Options(
            [
                *("--left-out=.env", "--reason=settings"),
                *("--left-out=web/node_modules", "--reason=node_modules"),
                *("--left-out=.env.local", "--reason=settings"),
                "--output=left_out",
            ]
        )
    )
    assert (tree / "left_out").read_text() == ""
    assert capsys.readouterr().err == (
        "left out of the image: web/node_modules (node_modules); .env, .env.local (settings)\n"
    )


def test_nothing_is_said_of_nothing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "shop/server.pem").write_text(CERTIFICATE)
    run(options(tree))
    assert (tree / "left_out").read_text() == ""
    assert capsys.readouterr() == ("", "")


def test_many_names_are_counted() -> None:
    names = [f"tests/{number}.py" for number in range(8)]
    assert sentence({"by .dockerignore": names}) == (
        "tests/0.py, tests/1.py, tests/2.py, tests/3.py, tests/4.py and 3 more (by .dockerignore)"
    )


def test_a_line_that_is_no_pattern(tree: Path) -> None:
    (tree / "shop/.dockerignore").write_text("!\n")
    with pytest.raises(LayerError, match=r"^shop/\.dockerignore:1: `!` without a pattern"):
        run(options(tree, "--dockerignore=shop/.dockerignore"))
