"""Which files of a source tree are never an application's, by their names alone.

Whatever the glob says: settings and credentials, virtual environments, node_modules, caches, the
folders of version control, Docker's files and Bazel's. What a look into the files tells, too,
//image/private/layer:sources.py does.
"""

# Made by tools and made again: nobody misses them, and nothing is said of them.
_QUIET_FOLDERS = {
    name: True
    for name in [
        ".bzr",
        ".eggs",
        ".git",
        ".hg",
        ".hypothesis",
        ".ipynb_checkpoints",
        ".jj",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".pytype",
        ".ruff_cache",
        ".svn",
        ".tox",
        "__pycache__",
    ]
}
_QUIET_FILES = {
    name: True
    for name in [
        ".DS_Store",
        ".bazelignore",
        ".bazeliskrc",
        ".bazelrc",
        ".bazelversion",
        ".containerignore",
        ".dockerignore",
        ".git",
        "BUILD",
        "BUILD.bazel",
        "Containerfile",
        "Dockerfile",
        "MODULE.bazel",
        "MODULE.bazel.lock",
        "REPO.bazel",
        "Thumbs.db",
        "WORKSPACE",
        "WORKSPACE.bazel",
        "WORKSPACE.bzlmod",
    ]
}
_QUIET_ENDS = (".bazelrc", ".bzl", ".Dockerfile", ".dockerfile", ".dockerignore", ".MODULE.bazel")
_CREDENTIALS = {name: True for name in [".git-credentials", ".netrc", ".pypirc"]}

# `.env.example` is made to be shared, and holds no secret.
_EXAMPLE_ENDS = (".example", ".sample", ".template", ".dist")

# What may hold a private key; whether it does is seen in the file.
_KEY_ENDS = (".pem", ".key", ".ppk")
_KEY_NAMES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")

# What they hold is encrypted, and nearly always a private key among it.
_KEY_STORES = (".p12", ".pfx")

def is_bazel_s(path):
    """Whether a path, relative to the workspace, leads through one of Bazel's links to its output.

    `glob(["**"])` finds them from the second build on.

    Args:
        path: of a file.

    Returns:
        bool.
    """
    first, _, rest = path.partition("/")
    if first in ("bazel-bin", "bazel-out", "bazel-testlogs"):
        return bool(rest)
    return first.startswith("bazel-") and rest.partition("/")[0] in ("bazel-out", "external")

def may_be_key(path):
    """Whether a file may be a private key, by its name."""
    name = path.rpartition("/")[2]
    return name.endswith(_KEY_ENDS) or name in _KEY_NAMES

def environments(paths):
    """Finds virtual environments, by `pyvenv.cfg` or what lies in them.

    Args:
        paths: list of paths of files.

    Returns:
        A dict whose keys are their folders.
    """
    found = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if name == "pyvenv.cfg":
            found[folder] = True
        if "/site-packages/" in path:
            parts = path.partition("/site-packages/")[0].split("/")
            if len(parts) > 2 and parts[-1].startswith("python3.") and parts[-2] in ("lib", "lib64"):
                found["/".join(parts[:-2])] = True
    return {folder: True for folder in found if folder}

def unwanted(path, environments):
    """Says why a file is not packed.

    Args:
        path: of the file, relative to the workspace.
        environments: what `environments` returned.

    Returns:
        None for a file that is packed. Else a pair: what is left out with it, itself or a folder,
        and the reason; "" is the reason of what nobody misses.
    """
    parts = path.split("/")
    for count, name in enumerate(parts, 1):
        here = "/".join(parts[:count])
        is_file = count == len(parts)
        if not is_file and name in _QUIET_FOLDERS or name.endswith(".egg-info"):
            return (here, "")
        if is_file and (name in _QUIET_FILES or name.startswith("Dockerfile.") or name.endswith(_QUIET_ENDS)):
            return (here, "")
        if not is_file and name == "node_modules":
            return (here, "node_modules")
        if not is_file and (name == ".venv" or here in environments):
            return (here, "virtual environment")
        if _is_settings(name):
            return (here, "settings")
        if is_file and name in _CREDENTIALS:
            return (here, "credentials")
        if is_file and name.endswith(_KEY_STORES):
            return (here, "private key")
    return (path, "") if is_bazel_s(path) else None

def _is_settings(name):
    """`.env`, `.env.production`, `.envrc`, the folder `.envs`; not `.env.example`."""
    if name.endswith(_EXAMPLE_ENDS):
        return False
    return name in (".env", ".envrc", ".envs") or name.startswith((".env.", ".env-", ".env_"))
