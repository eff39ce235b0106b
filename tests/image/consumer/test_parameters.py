"""Every parameter of fastapi_image() does what its documentation says, in another module."""

from typing import Any
from unittest import mock

import pytest

from tests.image.base.layout import Layout
from tests.image.consumer.workspace import Workspace

SITE = "app/.venv/lib/python3.13/site-packages/"

EVERYTHING = {
    "distributions": '{"linux_amd64": "@pypi//:runtime_linux_amd64"}',
    "application": '"shop.main:app"',
    "base_layers": "1",
    "host": '"127.0.0.1"',
    "port": "9000",
    "workers": "1",
    "uvicorn_options": '["--proxy-headers"]',
    "user": '"10001:10002"',
    "workdir": '"/srv/shop"',
    "env": '{"SHOP": "open", "BELOW": "$PATH"}',
    "labels": '{"maintainer": "Shop", "version": ""}',
    "pyproject": '"pyproject.toml"',
    "layers": '["further.tar.gz"]',
    "bytecode": "False",
    "strip": "False",
    "compression_level": "1",
    "large_distribution": "1",
    "max_layers": "9",
    "python_home": '"/usr/local/bin/../bin"',
    "repo_tags": '["shop:1", "shop:two"]',
    "repository": '"localhost:5000/shop"',
    "remote_tags": '["1"]',
    "materials": '["uv.lock"]',
    "tags": '["manual"]',
    "visibility": '["//visibility:public"]',
}
FURTHER = """
genrule(
    name = "further",
    outs = ["further.tar.gz"],
    cmd = "tar --create --gzip --file=$@ --files-from=/dev/null",
)
"""


def config(layout: Layout) -> dict[str, Any]:
    settings: dict[str, Any] = layout.config["config"]
    return settings


def names(layout: Layout) -> set[str]:
    return {member.name for member in layout.members() if not member.isdir()}


def test_the_defaults(workspace: Workspace) -> None:
    workspace.write()
    done = workspace.bazel("build", "//:image", "//:image_index")
    assert done.returncode == 0, done.stderr
    layout = Layout(workspace.built())
    assert config(layout) == {
        "Cmd": ["shop.main:app", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"],  # noqa: S104
        "Entrypoint": ["uvicorn"],
        "Env": [
            "PATH=/app/.venv/bin:/usr/local/bin",
            "LANG=C.UTF-8",
            "VIRTUAL_ENV=/app/.venv",
            "PYTHONUNBUFFERED=1",
        ],
        "ExposedPorts": {"8000/tcp": {}},
        "Labels": {},
        "User": "65532:65532",
        "WorkingDir": "/app",
    }
    found = names(layout)
    assert {
        "app/shop/main.py",
        "app/shop/__pycache__/main.cpython-313.pyc",
        "app/shop/page.html",
        "app/.venv/bin/uvicorn",
        SITE + "helper.py",
        SITE + "loop.py",  # of the extra
        "usr/local/lib/python3.13/__pycache__/os.cpython-313.pyc",
    } <= found
    # Another system's, the dev group's, and the project itself.
    assert not {SITE + name for name in ("windows_only.py", "tool.py", "shop.py")} & found
    arm = Layout(workspace.built("image_linux_arm64"))
    assert (layout.config["architecture"], arm.config["architecture"]) == ("amd64", "arm64")


def test_everything_otherwise(workspace: Workspace) -> None:
    workspace.write(FURTHER, **EVERYTHING)
    targets = ("//:image_linux_amd64", "//:image_push", "//:image_load")
    done = workspace.bazel("build", *targets)
    assert done.returncode == 0, done.stderr
    layout = Layout(workspace.built())
    assert config(layout) == {
        "Cmd": [
            *("shop.main:app", "--host", "127.0.0.1", "--port", "9000", "--workers", "1"),
            "--proxy-headers",
        ],
        "Entrypoint": ["uvicorn"],
        "Env": [
            "PATH=/srv/shop/.venv/bin:/usr/local/bin",
            "LANG=C.UTF-8",
            "VIRTUAL_ENV=/srv/shop/.venv",
            "PYTHONUNBUFFERED=1",
            "SHOP=open",
            "BELOW=/srv/shop/.venv/bin:/usr/local/bin",
        ],
        "ExposedPorts": {"9000/tcp": {}},
        "Labels": {
            "maintainer": "Shop",
            "org.opencontainers.image.title": "shop",
            "org.opencontainers.image.version": "1.2",
        },
        "User": "10001:10002",
        "WorkingDir": "/srv/shop",
    }
    found = names(layout)
    assert {"srv/shop/shop/main.py", "srv/shop/.venv/bin/uvicorn"} <= found
    assert not [name for name in found if name.endswith(".pyc")]
    # The base's, the environment, three distributions, the further one, the application.
    assert len(layout.manifest["layers"]) == 7
    # What `bazel run` starts finds the layout, the interpreter and its own modules from here, too.
    nowhere = {"DOCKER_HOST": f"unix://{workspace.folder}/none.sock"}
    with mock.patch.dict(workspace.environ, nowhere):
        load = workspace.bazel("run", "//:image_load", "--", "--to=docker")
    assert load.returncode == 1, load.stderr
    last = load.stderr.splitlines()[-1]
    assert last.startswith(f"load: Docker at {nowhere['DOCKER_HOST']} does not answer"), load.stderr
    # The project, which has a build system, is installed in its place.
    assert f"srv/shop/{SITE.removeprefix('app/')}shop-1.2.dist-info/METADATA" in found
    script = layout.read("srv/shop/.venv/bin/uvicorn")
    assert script.startswith(b"#!/srv/shop/.venv/bin/python\n")
    assert b"home = /usr/local/bin/../bin\n" in layout.read("srv/shop/.venv/pyvenv.cfg")


def test_another_entrypoint_and_command(workspace: Workspace) -> None:
    workspace.write(entrypoint='["python", "-m", "http.server"]', cmd='["9000"]', small_layers="1")
    done = workspace.bazel("build", "//:image_linux_amd64")
    assert done.returncode == 0, done.stderr
    layout = Layout(workspace.built())
    assert config(layout)["Entrypoint"] == ["python", "-m", "http.server"]
    assert config(layout)["Cmd"] == ["9000"]
    # The base's, its bytecode, the environment, all three distributions in one, the application.
    assert len(layout.manifest["layers"]) == 5


def test_there_are_never_more_layers_than_may_be(workspace: Workspace) -> None:
    """Of nine, five are counted for the base, and one each for what else there is."""
    workspace.write(large_distribution="1", max_layers="9")
    done = workspace.bazel("build", "//:image_linux_amd64")
    assert done.returncode == 0, done.stderr
    # The base's one, its bytecode, the environment, all distributions together, the application.
    assert len(Layout(workspace.built()).manifest["layers"]) == 5


# What can't be made: one line that says what and where.

ERRORS: dict[str, tuple[dict[str, str], str]] = {
    "an entry module that isn't there": (
        {"application": '"server:app"'},
        "ERROR: application = 'server:app': there is no server.py or server/__init__.py in srcs",
    ),
    "an attribute that isn't there": (
        {"application": '"shop.main:application"'},
        "ERROR: application = 'shop.main:application': src/shop/main.py binds no name "
        "'application' at its top level; correct application or the module",
    ),
    "an application of another form": (
        {"application": '"shop.main"'},
        "ERROR: application = 'shop.main' isn't of the form 'module:attribute', as uvicorn takes",
    ),
    "a folder": (
        {"srcs": '["src"]', "strip_prefix": '""'},
        "ERROR: src is a folder: name its files in srcs, as glob() does",
    ),
    "a source that is no Python": (
        {"srcs": 'glob(["src/shop/**"]) + ["src/broken.py"]'},
        "ERROR: src/broken.py:1: syntax error: '(' was never closed",
    ),
    "no room for any distribution": (
        {"max_layers": "8"},
        "Error in fail: @@//:image_python_linux_amd64: 8 layers are there without any of "
        "distributions: "
        "raise max_layers from 8 to at least 9",
    ),
    "a name that the module imports from where it isn't": (
        {"application": '"shop:application"'},
        "ERROR: application = 'shop:application': src/shop/main.py binds no name 'application' at "
        "its top level, which src/shop/__init__.py imports from it; correct application or the",
    ),
    "an application that isn't stripped": (
        {"strip_prefix": '""'},
        "ERROR: application = 'shop.main:app': there is no shop/main.py or shop/main/__init__.py "
        'in srcs, but src/shop/main.py: give strip_prefix = "src", or application = '
        '"src.shop.main:app"',
    ),
    "a program that nothing brings": (
        {"entrypoint": '["gunicorn"]'},
        "ERROR: the image can't start: no distribution and no base brings the program gunicorn; "
        "add gunicorn to the dependencies and lock them anew, or correct entrypoint",
    ),
    "a program of the base that isn't there": (
        {"entrypoint": '["/usr/bin/tini", "uvicorn"]'},
        "ERROR: the image can't start: no distribution and no base brings the program "
        "/usr/bin/tini; correct entrypoint",
    ),
    "a link out of the workspace": (
        {"srcs": 'glob(["src/shop/**"]) + ["bin/uv"]'},
        "ERROR: bin/uv is a symbolic link to ",
    ),
    "a pattern that is none": (
        {"dockerignore": '"patterns"'},
        "ERROR: patterns:1: `!` without a pattern; complete it",
    ),
    "a platform without a base": (
        {"bases": '{"linux_arm64": ":base_arm64"}'},
        'Error in fail: fastapi_image "image": no base for linux_amd64; platforms are '
        "linux_amd64, linux_arm64",
    ),
    "a base without the interpreter": (
        {"bases": 'BASES | {"linux_amd64": ":empty_base"}'},
        "ERROR: the base image bazel-out/k8-fastbuild/bin/empty_base has no program "
        "/usr/local/bin/python3.13: take one with this Python, or correct python_home",
    ),
    "a Python that there is no base with": (
        {"bases": "None", "interpreter": "None", "python": '"3.10"'},
        "Error in fail: there is no base with Python 3.10, only with 3.13, 3.14, 3.12, 3.11: ",
    ),
    "the interpreter elsewhere": (
        {"bytecode": "False", "python_home": '"/opt/python/bin"'},
        "has no program /opt/python/bin/python3.13: take one with this Python, or correct "
        "python_home",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_image_that_cannot_be_made(workspace: Workspace, case: str) -> None:
    arguments, problem = ERRORS[case]
    workspace.write(**arguments)
    done = workspace.bazel("build", "//:image_linux_amd64")
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if problem in line], done.stderr
    assert 'Traceback (most recent call last):\n  File "/' not in done.stderr
