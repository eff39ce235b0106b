"""The package indexes for uv and Bazel: from uv's own configuration, else from pip's."""

from __future__ import annotations

import os

from .workspace import home

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_NO_INDEX", "UV_OFFLINE")


SYSTEM_FILES = ("/etc/pip.conf", "/etc/xdg/uv/uv.toml", "/etc/uv/uv.toml")


def uv_environment(checkout: str) -> dict[str, str]:
    """The variables that uv and Bazel's downloads need besides the user's own: indexes, or nothing.

    What uv's own files configure on this machine is said in variables, too: Bazel reads no uv.toml.
    Indexes in the project's pyproject.toml come with the project, and explicit ones are for the
    packages that name them: neither is this machine's. pip's `index-url` counts where uv has no
    default index of its own; pip's extra indexes don't, as uv asks in another order.
    """
    if any(os.environ.get(name) for name in UV_VARIABLES):
        return {}
    tables = [(path, _settings(path)) for path in _uv_files(checkout)]
    if any(table.get("no-index") or table.get("pip", {}).get("no-index") for _, table in tables):
        return {}
    found = {}
    machine = [table for path, table in tables if os.path.basename(path) != "pyproject.toml"]
    further = [word for table in machine for word in _further(table)]
    if further:
        found["UV_INDEX"] = " ".join(dict.fromkeys(further))
    default = next((word for table in machine if (word := _default(table))), None)
    if not default and not any(_default(table) for _, table in tables):
        default = pip_option("index-url")
    if default:
        found["UV_DEFAULT_INDEX"] = default
    return found


def local_folders() -> list[str]:
    """Folders on this machine in which pip is told to look for packages."""
    words = []
    for option in ("index-url", "extra-index-url", "find-links"):
        words += (pip_option(option) or "").split()
    paths = [word.removeprefix("file://") for word in words]
    return [path for path in paths if os.path.isabs(path)]


def uv_index_files(checkout: str) -> list[str]:
    """uv's configuration files that name an index."""
    return [path for path in _uv_files(checkout) if _configures_index(path)]


def pip_option(name: str) -> str | None:
    """One option of pip's as `pip install` would see it: the environment wins over the files."""
    value = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if value:
        return value
    if os.environ.get("PIP_CONFIG_FILE") == os.devnull:
        return None
    files = [path for path in pip_files() if os.path.isfile(path)]
    if not files:
        return None
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read(files, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return None  # pip itself will say what is wrong with the file
    found = None
    for section in ("global", "install"):
        for key in (name, name.replace("-", "_")):
            found = parser.get(section, key, fallback=found)
    return found.strip() if found else None


def pip_files() -> list[str]:
    """Where pip reads its configuration, weakest first (pip's documentation, "Configuration")."""
    system = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = [os.path.join(folder, "pip/pip.conf") for folder in system.split(":")]
    files += [path for path in SYSTEM_FILES if path.endswith("pip.conf")]
    files.append(os.path.join(home(), ".pip/pip.conf"))
    files.append(os.path.join(_config_home(), "pip/pip.conf"))
    if os.environ.get("VIRTUAL_ENV"):
        files.append(os.path.join(os.environ["VIRTUAL_ENV"], "pip.conf"))
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(os.environ["PIP_CONFIG_FILE"])
    return files


def _config_home() -> str:
    return os.environ.get("XDG_CONFIG_HOME") or os.path.join(home(), ".config")


def _uv_files(checkout: str) -> list[str]:
    """Where uv reads its configuration (uv's documentation, "Configuration files")."""
    named = os.environ.get("UV_CONFIG_FILE")
    if named:
        return [named]
    return [
        os.path.join(checkout, "uv.toml"),
        os.path.join(checkout, "pyproject.toml"),
        os.path.join(_config_home(), "uv/uv.toml"),
        *(path for path in SYSTEM_FILES if path.endswith("uv.toml")),
    ]


def _settings(path: str) -> dict[str, Any]:
    """uv's settings in a file; nothing where it has none about an index, or is broken."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return {}
    if "index" not in text:
        return {}  # the common case, without the cost of a TOML parser
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}  # uv itself will say what is wrong with the file
    if os.path.basename(path) == "pyproject.toml":
        table = table.get("tool", {}).get("uv", {})
    return table


def _configures_index(path: str) -> bool:
    table = _settings(path)
    pip = table.get("pip", {})
    return any(key in table or key in pip for key in ("index", "index-url", "no-index"))


def _default(table: dict[str, Any]) -> str | None:
    """The default index of uv's settings, `NAME=ADDRESS` or an address."""
    for index in table.get("index", []):
        if index.get("default"):
            return _word(index)
    address = table.get("index-url") or table.get("pip", {}).get("index-url")
    return str(address) if address else None


def _further(table: dict[str, Any]) -> list[str]:
    """The other indexes that uv asks for every package."""
    found = [
        _word(index)
        for index in table.get("index", [])
        if not index.get("default") and not index.get("explicit") and index.get("format") != "flat"
    ]
    found += map(str, table.get("extra-index-url", []))
    return [word for word in found if word and "://" in word]


def _word(index: dict[str, Any]) -> str | None:
    address = index.get("url")
    if not address:
        return None
    return f"{index['name']}={address}" if index.get("name") else str(address)
