"""Settings and what becomes of a server that can't be configured."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from todo.database import asyncpg_arguments
from todo.settings import Settings, SettingsError, load_settings

from tests.app.service import SECRETS, Service, environment

URL = "postgresql://user:fake-password@db.example/todo"
NOT_ALLOWED = 99
VALID = {
    "NEON_DATABASE_URL": URL,
    "OPENAI_API_KEY": SECRETS["OPENAI_API_KEY"],
    "BETTER_AUTH_SECRET": SECRETS["BETTER_AUTH_SECRET"],
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with exactly the required settings."""
    for name in Settings.model_fields:
        for variable in (name.upper(), f"{name.upper()}_FILE"):
            monkeypatch.delenv(variable, raising=False)
    for name, value in VALID.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaint() -> str:
    with pytest.raises(SettingsError) as raised:
        load_settings()
    message = str(raised.value)
    assert "\n" not in message
    return message


class TestSettings:
    def test_three_variables_are_enough(self, environ: pytest.MonkeyPatch) -> None:
        settings = load_settings()
        assert settings.neon_database_url.get_secret_value() == URL
        assert settings.token_mode == "shared-secret"
        assert settings.token_issuer == settings.token_audience == "http://localhost:3000"

    def test_no_secret_shows(self, environ: pytest.MonkeyPatch) -> None:
        shown = f"{load_settings()!r} {load_settings()}"
        for secret in ("fake-password", *SECRETS.values()):
            assert secret not in shown

    def test_a_secret_may_come_from_a_file(
        self, environ: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name, value in VALID.items():
            file = tmp_path / name
            file.write_text(f"{value}\n", encoding="utf-8")
            environ.delenv(name)
            environ.setenv(f"{name}_FILE", str(file))
        assert load_settings().neon_database_url.get_secret_value() == URL

    def test_a_line_feed_at_the_end_is_no_part_of_it(self, environ: pytest.MonkeyPatch) -> None:
        """Of a Secret that was made from a file and is given as a variable."""
        for name, value in VALID.items():
            environ.setenv(name, f"{value}\n")
        settings = load_settings()
        assert settings.neon_database_url.get_secret_value() == URL
        assert settings.openai_api_key.get_secret_value() == VALID["OPENAI_API_KEY"]
        assert settings.better_auth_secret is not None
        assert settings.better_auth_secret.get_secret_value() == VALID["BETTER_AUTH_SECRET"]

    def test_everything_missing_is_named_at_once(self, environ: pytest.MonkeyPatch) -> None:
        for name in VALID:
            environ.delenv(name)
        environ.setenv("OPENAI_API_KEY", "")
        message = complaint()
        for name in (*VALID, "BETTER_AUTH_JWKS_URL"):
            assert name in message
        assert message.count("is missing") == 3

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("NEON_DATABASE_URL", "mysql://fake-password@db", "must start with postgresql://"),
            ("NEON_DATABASE_URL", "postgresql:///todo?fake-password", "names no host"),
            ("NEON_DATABASE_URL", "postgresql://h:fake-password/x", "is not a URL"),
            ("NEON_DATABASE_URL", "postgresql://u:fake-password@x@h/d", "write %40"),
            ("NEON_DATABASE_URL", f"{URL}?fake-password=1", "has another parameter than"),
            ("NEON_DATABASE_URL", "postgresql://u:1?fake-password@h/d", "has another parameter"),
            ("NEON_DATABASE_URL", f"{URL}?sslmode=fake-password", "has an sslmode that is none of"),
            ("NEON_DATABASE_URL", f"{URL}?sslmode=require&sslmode=allow", "parameter twice"),
            ("NEON_DATABASE_URL", f"{URL}?connect_timeout=soon", "no number of seconds"),
            ("NEON_DATABASE_URL", f"{URL}?sslrootcert=/fake-password", "can't be read"),
            ("NEON_DATABASE_URL", " \n", "is blank"),
            ("OPENAI_API_KEY", "fake-password twice", "holds white space"),
            ("OPENAI_API_KEY", "fake-password\u00fc", "holds white space or other than ASCII"),
            ("BETTER_AUTH_SECRET", "fake-password", "is shorter than 32 bytes"),
            ("BETTER_AUTH_JWKS_URL", "https://auth.example/jwks", "both set"),
            ("BETTER_AUTH_JWKS_URL", "ftp://fake-password", "is not an http"),
            ("OPENAI_BASE_URL", "fake-password", "is not an http"),
            ("CHAT_LIMIT_PER_MINUTE", "fake-password", "is malformed"),
            ("CHAT_LIMIT_PER_MINUTE", "0", "is malformed"),
            ("OPENAI_API_KEY_FILE", "/fake-password", "OPENAI_API_KEY_FILE too; keep one"),
        ],
    )
    def test_what_is_malformed_is_named_without_its_value(
        self, environ: pytest.MonkeyPatch, name: str, value: str, says: str
    ) -> None:
        environ.setenv(name, value)
        message = complaint()
        assert name.removesuffix("_FILE") in message or "both set" in message
        assert says in message
        assert "fake-password" not in message

    def test_an_unreadable_file_is_named(self, environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
        binary = tmp_path / "binary"
        binary.write_bytes(b"\xff\xfe")
        for name, path in (
            ("OPENAI_API_KEY", "/nowhere"),
            ("BETTER_AUTH_SECRET", str(binary)),
            ("NEON_DATABASE_URL", str(tmp_path)),
        ):
            environ.delenv(name)
            environ.setenv(f"{name}_FILE", path)
        message = complaint()
        assert "NEON_DATABASE_URL can't be read from NEON_DATABASE_URL_FILE (Is a dir" in message
        assert "OPENAI_API_KEY can't be read from OPENAI_API_KEY_FILE (No such file" in message
        assert (
            "BETTER_AUTH_SECRET can't be read from BETTER_AUTH_SECRET_FILE (not UTF-8)" in message
        )

    def test_an_empty_file_is_a_missing_variable(
        self, environ: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        empty = tmp_path / "empty"
        empty.write_text("\n", encoding="utf-8")
        environ.delenv("OPENAI_API_KEY")
        environ.setenv("OPENAI_API_KEY_FILE", str(empty))
        environ.setenv("METRICS_TOKEN_FILE", str(empty))
        assert complaint().startswith("cannot start: OPENAI_API_KEY is missing. Set")

    @given(st.dictionaries(st.sampled_from(sorted(VALID)), st.text(max_size=40)))
    def test_whatever_they_are_it_is_one_line_or_good(self, values: dict[str, str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (VALID | values).items():
                patch.setenv(name, value.encode("utf-8", "ignore").decode().replace("\0", ""))
            try:
                said = load_settings().token_mode + "\n"
            except SettingsError as error:
                said = f"{error}\n"
        assert said.count("\n") == 1


class TestDatabaseUrl:
    NEON = "postgresql://u:p@ep-x-{}123.eu-central-1.aws.neon.tech/neondb?sslmode=require"

    def test_neons_url_becomes_asyncpgs(self) -> None:
        url, arguments = asyncpg_arguments(make_url(self.NEON.format("")))
        assert url.drivername == "postgresql+asyncpg"
        assert url.query == {}
        assert arguments["ssl"] == "require"
        assert "statement_cache_size" not in arguments

    def test_channel_binding_becomes_a_verified_server(self) -> None:
        neon = self.NEON.format("") + "&channel_binding=require"
        url, arguments = asyncpg_arguments(make_url(neon))
        assert url.query == {}
        assert arguments["ssl"].check_hostname is True

    def test_behind_the_pooler_no_statement_is_kept(self) -> None:
        _, arguments = asyncpg_arguments(make_url(self.NEON.format("pooler-")))
        assert arguments["statement_cache_size"] == 0
        assert arguments["prepared_statement_cache_size"] == 0
        name = arguments["prepared_statement_name_func"]
        assert name() != name()

    def test_a_password_with_special_characters_and_an_ipv6_host(self) -> None:
        url, _ = asyncpg_arguments(make_url("postgresql://u:p%40s%2Fw%3A%23@[::1]:5433/d"))
        assert (url.password, url.host, url.port) == ("p@s/w:#", "::1", 5433)

    def test_libpqs_parameters_become_asyncpgs(self) -> None:
        neon = self.NEON.format("") + "&options=endpoint%3Dep-x&application_name=me"
        url, arguments = asyncpg_arguments(make_url(neon + "&connect_timeout=7"))
        assert url.query == {}
        packet = {"options": "endpoint=ep-x", "application_name": "me"}
        assert arguments["server_settings"] == packet
        assert arguments["timeout"] == 7.0

    def test_other_parameters_stay(self) -> None:
        url, _ = asyncpg_arguments(make_url("postgres://h/d?server_settings=x"))
        assert url.query == {"server_settings": "x"}


class TestFailFast:
    """With broken settings the server ends: at once, non-zero, with one line."""

    @pytest.fixture(autouse=True, scope="class")
    @staticmethod
    def _bytecode(tmp_path_factory: pytest.TempPathFactory) -> None:
        """The image has it; here the first start writes it, which takes longer."""
        without_any = {**environment(URL), "OPENAI_API_KEY": ""}
        Service(without_any, tmp_path_factory.mktemp("first") / "log", 2).launch().wait(60)

    @pytest.mark.parametrize("workers", [1, 2, 4])
    def test_a_missing_variable_ends_the_server(self, tmp_path: Path, workers: int) -> None:
        settings = environment(URL)
        del settings["OPENAI_API_KEY"]
        del settings["BETTER_AUTH_SECRET"]
        server = Service(settings, tmp_path / "log", workers)
        started = time.monotonic()
        code = server.launch().wait(20)
        assert code == 78
        assert time.monotonic() - started < 5
        lines = [line for line in server.text().splitlines() if "missing" in line]
        assert len(lines) == 1
        assert "OPENAI_API_KEY" in lines[0]
        assert "BETTER_AUTH_SECRET" in lines[0]
        assert "Traceback" not in server.text()
        assert server.text().splitlines()[-1] == lines[0]

    @pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root here")
    def test_also_as_process_1_of_a_container(self, tmp_path: Path) -> None:
        """As process 1 the supervisor is shielded from its children's signals."""
        settings = environment(URL)
        del settings["OPENAI_API_KEY"]
        server = Service(settings, tmp_path / "log", workers=2)
        pid = os.fork()
        if pid == 0:
            try:
                os.unshare(os.CLONE_NEWPID)
            except PermissionError:
                os._exit(NOT_ALLOWED)
            os._exit(server.launch().wait(20))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == NOT_ALLOWED:
            pytest.skip("no PID namespace may be made here")
        assert code == 78, server.text()
        assert server.text().count("OPENAI_API_KEY is missing") == 1

    def test_no_worker_is_left_behind(self, tmp_path: Path) -> None:
        settings = environment(URL) | {"TODO_TEST_MARK": str(tmp_path)}
        del settings["OPENAI_API_KEY"]
        server = Service(settings, tmp_path / "log", workers=2)
        server.launch().wait(20)
        mark = f"TODO_TEST_MARK={tmp_path}".encode()
        deadline = time.monotonic() + 5
        while (left := _processes_with(mark)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert left == []

    def test_a_migration_needs_the_database_alone(self, tmp_path: Path) -> None:
        settings = environment(URL)
        for name in VALID:
            del settings[name]
        done = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            cwd="app",
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 78
        assert done.stderr.splitlines()[-1].startswith("cannot start: NEON_DATABASE_URL is missing")
        assert "OPENAI" not in done.stderr


def _processes_with(mark: bytes) -> list[int]:
    """Process ids whose environment holds the mark."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                if mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found
