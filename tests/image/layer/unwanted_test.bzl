"""Test: what is never packed by its name, and where files lie in the image."""

load("//image/private:places.bzl", "place")  # buildifier: disable=bzl-visibility
load("//image/private:unwanted.bzl", "environments", "is_bazel_s", "may_be_key", "unwanted")  # buildifier: disable=bzl-visibility

# Path → what is left out with it, and why; None: it is packed.
_PATHS = {
    ".env": (".env", "settings"),
    ".env.example": None,
    ".env.local": (".env.local", "settings"),
    ".env.production.sample": None,
    ".envoy.yaml": None,
    ".envrc": (".envrc", "settings"),
    ".envs/local/django": (".envs", "settings"),
    ".git": (".git", ""),
    ".git/HEAD": (".git", ""),
    ".gitignore": None,
    ".netrc": (".netrc", "credentials"),
    ".pypirc": (".pypirc", "credentials"),
    ".venv/bin/uvicorn": (".venv", "virtual environment"),
    ".venvs/x": None,
    "BUILD": ("BUILD", ""),
    "BUILD/plan.txt": None,
    "Dockerfile": ("Dockerfile", ""),
    "MODULE.bazel": ("MODULE.bazel", ""),
    "MODULE.bazel.lock": ("MODULE.bazel.lock", ""),
    "WORKSPACE.bazel": ("WORKSPACE.bazel", ""),
    "a/.dockerignore": ("a/.dockerignore", ""),
    "a/.env/x": ("a/.env", "settings"),
    "a/.hg/x": ("a/.hg", ""),
    "a/.hypothesis/x": ("a/.hypothesis", ""),
    "a/.mypy_cache/x": ("a/.mypy_cache", ""),
    "a/.nox/x": ("a/.nox", ""),
    "a/.pytest_cache/x": ("a/.pytest_cache", ""),
    "a/.ruff_cache/x": ("a/.ruff_cache", ""),
    "a/.tox/x": ("a/.tox", ""),
    "a/.DS_Store": ("a/.DS_Store", ""),
    "a/BUILD.bazel": ("a/BUILD.bazel", ""),
    "a/Dockerfile.dev": ("a/Dockerfile.dev", ""),
    "a/__pycache__/main.pyc": ("a/__pycache__", ""),
    "a/defs.bzl": ("a/defs.bzl", ""),
    "a/env.py": None,
    "a/node_modules/x/y.js": ("a/node_modules", "node_modules"),
    "a/shop.egg-info/PKG-INFO": ("a/shop.egg-info", ""),
    "a/store.p12": ("a/store.p12", "private key"),
    "a/venv.py": None,
    "bazel-bin/x": ("bazel-bin/x", ""),
    "bazel-helpers/x.py": None,
    "bazel-out": None,
    "bazel-out/stable-status.txt": ("bazel-out/stable-status.txt", ""),
    "bazel-shop/external/x": ("bazel-shop/external/x", ""),
    "dot.env": None,
    "env/bin/python": ("env", "virtual environment"),
    "env/pyvenv.cfg": ("env", "virtual environment"),
    "environment/x": None,
    "main.py": None,
    "user.bazelrc": ("user.bazelrc", ""),
    "venv/other.py": None,
    "x/old/lib/python3.12/site-packages/six.py": ("x/old", "virtual environment"),
    "x/old/main.py": ("x/old", "virtual environment"),
    "x/site-packages/six.py": None,
}

_KEYS = {
    "a/ca.crt": False,
    "a/id_ed25519": True,
    "a/id_rsa": True,
    "a/id_rsa.pub": False,
    "a/key.py": False,
    "a/server.key": True,
    "a/server.pem": True,
}

# Path, prefixes, package, and the place.
_PLACES = [
    ("src/shop/main.py", ["src"], "", "shop/main.py"),
    ("src/shop/main.py", ["./src/"], "", "shop/main.py"),
    ("config/a.yaml", ["src"], "", "config/a.yaml"),
    ("source/x.py", ["src"], "", "source/x.py"),
    ("services/api/src/main.py", ["services/api/src"], "services/api", "main.py"),
    ("services/api/config/a.yaml", ["services/api/src"], "services/api", "config/a.yaml"),
    ("libs/common/c.py", ["services/api/src"], "services/api", "libs/common/c.py"),
    ("services/api/main.py", ["services/api", "libs/common"], "", "main.py"),
    ("libs/common/common/x.py", ["services/api", "libs/common"], "", "common/x.py"),
    ("services/api/main.py", ["services"], "services/api", "api/main.py"),
    ("services/api/main.py", ["services", "services/api"], "", "main.py"),
    ("backend/app/main.py", ["."], "backend", "backend/app/main.py"),
    ("backend/app/main.py", [""], "backend", "backend/app/main.py"),
    ("backend/app/main.py", ["backend"], "backend", "app/main.py"),
]

def _unwanted_test_impl(_ctx):
    wrong = []
    folders = environments(_PATHS.keys())
    for path, expected in _PATHS.items():
        if unwanted(path, folders) != expected:
            wrong.append("{}: {}".format(path, unwanted(path, folders)))
    for path, expected in _KEYS.items():
        if may_be_key(path) != expected:
            wrong.append("{}: {}".format(path, may_be_key(path)))
    for path, prefixes, package, expected in _PLACES:
        if place(path, prefixes, package) != expected:
            wrong.append("{}: {}".format(path, place(path, prefixes, package)))
    if is_bazel_s(":bazel-bin") or is_bazel_s("//bazel-bin:x"):
        wrong.append("a label is a path")
    return AnalysisTestResultInfo(success = not wrong, message = "; ".join(wrong))

unwanted_test = rule(
    implementation = _unwanted_test_impl,
    doc = "Passes when each path of a table is packed where it should be, or not at all.",
    attrs = {},
    analysis_test = True,
)
