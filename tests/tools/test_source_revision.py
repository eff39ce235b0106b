"""tools/source_revision: what the provenance says of the source."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path("tools/source_revision").absolute()

if not shutil.which("git"):
    pytest.skip("there is no git: NOTHING was tested", allow_module_level=True)


class Checkout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
            "HOME": str(folder.parent),
            "PATH": os.environ["PATH"],
        }

    def git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
        )

    def says(self, **variables: str) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-I", SCRIPT],
            cwd=self.folder,
            env=self.environment | variables,
            check=True,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """One commit of one file."""
    made = Checkout(tmp_path / "checkout")
    made.folder.mkdir()
    made.git("init", "--quiet")
    (made.folder / "main.py").touch()
    (made.folder / ".gitignore").write_text("user.bazelrc\n")
    made.git("add", ".")
    made.git("commit", "--quiet", "--message=x")
    return made


def test_a_source_archive_has_no_commit(tmp_path: Path) -> None:
    assert Checkout(tmp_path).says() == {}


def test_the_commit(checkout: Checkout) -> None:
    (checkout.folder / "user.bazelrc").touch()  # ignored
    (says,) = checkout.says().items()
    assert says[0] == "STABLE_SOURCE_REVISION"
    assert re.fullmatch("[0-9a-f]{40}", says[1])


@pytest.mark.parametrize("name", ["main.py", "new.py"])
def test_a_changed_or_added_file_is_in_no_commit(checkout: Checkout, name: str) -> None:
    (checkout.folder / name).write_text("x = 1\n")
    assert checkout.says()["STABLE_SOURCE_REVISION"].endswith("-dirty")


def test_the_builder_is_who_says_so(checkout: Checkout) -> None:
    says = checkout.says(FASTAPI_IMAGE_BUILDER_ID="https://ci.example/runner")
    assert says["STABLE_BUILDER_ID"] == "https://ci.example/runner"


@pytest.mark.parametrize(
    ("remote", "uri"),
    [
        ("https://git.example/team/shop.git", "https://git.example/team/shop.git"),
        ("https://user:fake-password@git.example/shop", "https://git.example/shop"),
        ("https://git.example/shop?token=fake-token", "https://git.example/shop"),
        ("ssh://git@git.example:2222/shop.git", "ssh://git.example:2222/shop.git"),
        ("git@git.example:team/shop.git", "ssh://git.example/team/shop.git"),
        ("/home/me/shop", None),
        ("../shop", None),
        ("file:///home/me/shop", None),
    ],
)
def test_the_address_is_public(checkout: Checkout, remote: str, uri: str | None) -> None:
    checkout.git("remote", "add", "origin", remote)
    assert checkout.says().get("STABLE_SOURCE_URI") == uri
