"""The Secret from a local file."""

import base64
import json
import shutil
from pathlib import Path

import pytest
import secret
from load.errors import LoadError

_FILE = """\
# Fake, as every secret here.
NEON_DATABASE_URL=postgresql://u:p@db.example/todo?sslmode=require&options=a%3Db
export OPENAI_API_KEY='sk-fake'

BETTER_AUTH_SECRET="fake-fake-fake-fake-fake-fake-fake="
"""


def _write(folder: Path, text: str) -> Path:
    file = folder / ".env"
    file.write_text(text)
    return file


def test_every_value_arrives_whole(tmp_path: Path) -> None:
    document = json.loads(secret.manifest(secret.read(_write(tmp_path, _FILE))))
    assert (document["kind"], document["type"]) == ("Secret", "Opaque")
    assert {name: base64.b64decode(value).decode() for name, value in document["data"].items()} == {
        "NEON_DATABASE_URL": "postgresql://u:p@db.example/todo?sslmode=require&options=a%3Db",
        "OPENAI_API_KEY": "sk-fake",
        "BETTER_AUTH_SECRET": "fake-fake-fake-fake-fake-fake-fake=",
    }


def test_the_template_as_it_is_names_what_to_fill_in(tmp_path: Path) -> None:
    file = shutil.copy("deploy/secret.env.example", tmp_path / ".env")
    with pytest.raises(
        LoadError,
        match=r"has no value for OPENAI_API_KEY, BETTER_AUTH_SECRET or BETTER_AUTH_JWKS_URL$",
    ):
        secret.read(Path(file))


def test_either_token_mode_will_do(tmp_path: Path) -> None:
    text = _FILE.replace("BETTER_AUTH_SECRET=", "BETTER_AUTH_JWKS_URL=")
    assert "BETTER_AUTH_JWKS_URL" in secret.read(_write(tmp_path, text))


def test_a_line_that_is_none_is_named_by_number_alone(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"line 6: not NAME=value$"):
        secret.read(_write(tmp_path, _FILE + "sk-fake-without-a-name\n"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"\.env can't be read: No such file"):
        secret.read(tmp_path / ".env")
