"""Settings, read once from the environment and from mounted Secret files.

Every variable ``NAME`` may instead be given as ``NAME_FILE``: the path of a UTF-8 file that holds
the value, as Kubernetes mounts a Secret. White space at the end is dropped, since a Secret made
from a file often ends in a line feed. An empty variable or file counts as missing. Secrets are
``SecretStr`` and no message here repeats a value or a part of one.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg", "sqlite+aiosqlite")
# Of libpq's parameters, those that `database.asyncpg_arguments` translates.
DATABASE_PARAMETERS = (
    "application_name",
    "channel_binding",
    "connect_timeout",
    "options",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
)
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
MINIMUM_SECRET_LENGTH = 32  # bytes: RFC 7518 section 3.2 asks for a key as long as the hash


class SettingsError(Exception):
    """Settings are missing or malformed; the message is one line that names every one of them."""


class _FileProblem:
    """Stands in for a value that its ``NAME_FILE`` could not give."""

    def __init__(self, message: str) -> None:
        self.message = message


class _SecretFileSource(PydanticBaseSettingsSource):
    """Reads ``NAME`` from the file that ``NAME_FILE`` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        name = field_name.upper()
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(name):
            return _FileProblem(f"is set as {name}_FILE too; keep one"), field_name, False
        try:
            value: Any = Path(path).read_text(encoding="utf-8").rstrip()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            value = _FileProblem(f"can't be read from {name}_FILE ({reason})")
        except UnicodeDecodeError:
            value = _FileProblem(f"can't be read from {name}_FILE (not UTF-8)")
        return value or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def _database_url(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise PydanticCustomError("url", "is not a URL") from None
    if parts.scheme not in DATABASE_SCHEMES:
        raise PydanticCustomError("url", "must start with postgresql://")
    if parts.scheme.startswith("sqlite"):
        return value
    if not host:
        raise PydanticCustomError("url", "names no host")
    if parts.netloc.count("@") > 1:  # else a part of the password would be taken for the host
        raise PydanticCustomError("url", "has an @ in its user or password: write %40")
    _check_parameters(parse_qs(parts.query, keep_blank_values=True))
    return value


def _check_parameters(parameters: dict[str, list[str]]) -> None:
    if not parameters.keys() <= set(DATABASE_PARAMETERS):
        known = ", ".join(DATABASE_PARAMETERS)
        raise PydanticCustomError("url", f"has another parameter than {known}")
    if any(len(values) > 1 for values in parameters.values()):
        raise PydanticCustomError("url", "has a parameter twice")
    given = {name: values[0] for name, values in parameters.items()}
    if given.get("sslmode", "prefer") not in SSL_MODES:
        raise PydanticCustomError("url", f"has an sslmode that is none of {', '.join(SSL_MODES)}")
    if not given.get("connect_timeout", "0").isdecimal():
        raise PydanticCustomError("url", "has a connect_timeout that is no number of seconds")
    root = given.get("sslrootcert", "system")
    if root != "system" and not os.access(root, os.R_OK):
        raise PydanticCustomError("url", "has an sslrootcert that can't be read")


def _header_value(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]+", value.get_secret_value()):
        raise PydanticCustomError("key", "holds white space or other than ASCII characters")
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        valid = False
    if not valid:
        raise PydanticCustomError("url", "is not an http:// or https:// URL")
    return value.rstrip("/")


HttpAddress = Annotated[str, AfterValidator(_http_url)]


class DatabaseSettings(BaseSettings):
    """What a migration needs."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    neon_database_url: Annotated[SecretStr, AfterValidator(_database_url)]
    """Postgres, in Neon's own form: ``sslmode`` and ``channel_binding`` are understood."""

    @field_validator("*", mode="before")
    @classmethod
    def _as_given(cls, value: Any) -> Any:
        if isinstance(value, _FileProblem):
            raise PydanticCustomError("file", "{message}", {"message": value.message})
        if not isinstance(value, str):
            return value
        if not value.strip():
            raise PydanticCustomError("blank", "is blank")
        return value.rstrip()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _SecretFileSource(settings_cls), env_settings


class Settings(DatabaseSettings):
    """Everything that differs between deployments."""

    openai_api_key: Annotated[SecretStr, AfterValidator(_header_value)]
    openai_base_url: HttpAddress | None = None
    """Another OpenAI-compatible server; the default is OpenAI's own."""
    openai_model: str = "gpt-5-mini"

    better_auth_jwks_url: HttpAddress | None = None
    """Tokens are signed with EdDSA; their keys are here. Chooses the JWKS mode."""
    better_auth_secret: Annotated[SecretStr | None, Field(validate_default=True)] = None
    """Tokens are signed with this shared secret (HS256). Chooses the shared-secret mode."""
    better_auth_url: HttpAddress = "http://localhost:3000"
    """Better Auth's base URL: the issuer and the audience that it writes unless told otherwise."""
    better_auth_issuer: str | None = None
    better_auth_audience: str | None = None

    metrics_token: SecretStr | None = None
    """Switches /metrics on, for bearers of this token."""
    rate_limit_per_minute: Annotated[int, Field(ge=1)] = 600
    """Requests of one user to one worker."""
    chat_limit_per_minute: Annotated[int, Field(ge=1)] = 20
    """Chat turns of one user."""
    chat_timeout_seconds: Annotated[float, Field(gt=0)] = 60.0
    """For a whole turn, tools included."""
    model_timeout_seconds: Annotated[float, Field(gt=0)] = 30.0
    """For one answer of the model."""
    warm_up: Literal["first-request", "start"] = "first-request"
    """When a worker loads the SDKs: see `warmup`."""
    shutdown_grace_seconds: Annotated[float, Field(gt=0)] = 20.0
    """From SIGTERM until what is under way is ended. The orchestrator must wait longer."""

    @field_validator("better_auth_secret")
    @classmethod
    def _one_token_mode(cls, value: SecretStr | None, info: Any) -> SecretStr | None:
        if "better_auth_jwks_url" not in info.data:
            return value  # its own error says enough
        jwks = info.data["better_auth_jwks_url"]
        if value is None and jwks is None:
            raise PydanticCustomError("mode", "(or BETTER_AUTH_JWKS_URL) is missing")
        if value is not None and jwks is not None:
            raise PydanticCustomError("mode", "and BETTER_AUTH_JWKS_URL are both set; keep one")
        if value is not None and len(value.get_secret_value().encode()) < MINIMUM_SECRET_LENGTH:
            raise PydanticCustomError("length", "is shorter than 32 bytes")
        return value

    @property
    def token_mode(self) -> Literal["shared-secret", "jwks"]:
        return "shared-secret" if self.better_auth_secret else "jwks"

    @property
    def token_issuer(self) -> str:
        return self.better_auth_issuer or self.better_auth_url

    @property
    def token_audience(self) -> str:
        return self.better_auth_audience or self.better_auth_url


def _says(kind: str, message: str) -> str:
    """Our own messages go on from the variable's name; pydantic's are sentences."""
    if kind == "missing":
        return "is missing"
    return f"is malformed ({message})" if message[0].isupper() else message


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        SettingsError: with one line that names everything missing or malformed, and no value.
    """
    return _load(Settings)


def load_database_url() -> str:
    """Read the database's URL alone. Raises SettingsError."""
    return _load(DatabaseSettings).neon_database_url.get_secret_value()


def _load[T: BaseSettings](kind: type[T]) -> T:
    try:
        return kind()
    except ValidationError as error:
        problems = [
            f"{str(problem['loc'][0]).upper()} {_says(problem['type'], problem['msg'])}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
    raise SettingsError(
        f"cannot start: {'; '.join(problems)}. Set each in the environment, or NAME_FILE to a file."
    )
