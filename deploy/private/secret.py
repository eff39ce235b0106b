"""The Secret, made from a local file of variables."""

import base64
import json
import re
from pathlib import Path

from load.errors import LoadError

NAME = "todo-backend"
NAMESPACE = "todo"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

# One of each group is enough.
REQUIRED = (
    ("NEON_DATABASE_URL",),
    ("OPENAI_API_KEY",),
    ("BETTER_AUTH_SECRET", "BETTER_AUTH_JWKS_URL"),
)


def read(file: Path) -> dict[str, str]:
    """`NAME=value` lines; empty lines and those that start with `#` are left out, quotes taken off.

    Raises:
      LoadError: the file can't be read, a line is none of these, or something required is missing.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(f"{file} can't be read: {getattr(error, 'strerror', error)}") from None
    values: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.removeprefix("export ").partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not _NAME.fullmatch(name):
            # The line itself may be part of a secret.
            raise LoadError(f"{file}, line {number}: not NAME=value")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        if value:
            values[name] = value
    missing = [" or ".join(group) for group in REQUIRED if not set(group) & set(values)]
    if missing:
        raise LoadError(f"{file} has no value for {', '.join(missing)}")
    return values


def manifest(values: dict[str, str]) -> str:
    """The Secret as JSON, which is YAML too."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": NAME,
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "todo"},
            },
            "type": "Opaque",
            "data": {name: base64.b64encode(v.encode()).decode() for name, v in values.items()},
        },
        indent=2,
    )
