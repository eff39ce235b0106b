"""The package index for uv: from uv's own configuration, else from pip's."""

from __future__ import annotations

import os

from .workspace import home

UV_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_NO_INDEX", "UV_OFFLINE")


SYSTEM_FILES = ("/etc/pip.conf", "/etc/xdg/uv/uv.toml", "/etc/uv/uv.toml")


def uv_environment(checkout: str) -> dict[str, str]:
    """The variables that uv needs besides the user's own: UV_DEFAULT_INDEX or nothing.

    pip's `index-url` counts where uv has no index of its own. Nothing else is translated: uv asks
    extra indexes in another order than pip does.
    """
    if any(os.environ.get(name) for name in UV_VARIABLES):
        return {}
    if uv_index_files(checkout):
        return {}
    address = pip_option("index-url")
    return {"UV_DEFAULT_INDEX": address} if address else {}


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


def _configures_index(path: str) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return False
    if "index" not in text:
        return False  # the common case, without the cost of a TOML parser
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False  # uv itself will say what is wrong with the file
    if os.path.basename(path) == "pyproject.toml":
        table = table.get("tool", {}).get("uv", {})
    pip = table.get("pip", {})
    return any(key in table or key in pip for key in ("index", "index-url", "no-index"))
