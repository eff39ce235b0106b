"""application.py: would uvicorn find the application? Known without importing anything."""

from pathlib import Path

import pytest
from layer.application import check
from layer.errors import LayerError


def check_text(tmp_path: Path, text: str, application: str = "main:app") -> None:
    source = tmp_path / "main.py"
    source.write_text(text)
    check(application, [("main.py", str(source))])


@pytest.mark.parametrize(
    "text",
    [
        "app = FastAPI()",
        "app: FastAPI = create()",
        "from shop import app",
        "from shop import create as app",
        "import app.main",
        "from shop import *",
        "def app(scope, receive, send): ...",
        "async def app(scope, receive, send): ...",
        "class app: ...",
        "if True:\n    app = 1\nelse:\n    app = 2",
        "try:\n    import fast\nexcept ImportError:\n    app = None",
        "with open('x') as app: pass",
        "for app in apps: pass",
        "first, (second, *app) = values",
        "print(app := create())",
        "x = 1" + "+1" * 4000 + "\napp = 1",
        "match value:\n    case [app]: pass",
        "def __getattr__(name): ...",
    ],
)
def test_names_that_a_module_binds(tmp_path: Path, text: str) -> None:
    check_text(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "application = FastAPI()",
        "def create():\n    app = FastAPI()",
        "class Shop:\n    app = 1",
        "run = lambda: (app := 1)",
        "print([app for app in apps])",
        "print(app)",
        "shop.app = 1",
    ],
)
def test_a_name_that_the_module_does_not_bind(tmp_path: Path, text: str) -> None:
    with pytest.raises(LayerError) as caught:
        check_text(tmp_path, text)
    assert str(caught.value) == (
        f"application = 'main:app': {tmp_path}/main.py binds no name 'app' at its top level; "
        "correct application or the module"
    )


def test_attributes_and_packages(tmp_path: Path) -> None:
    check_text(tmp_path, "shop = Shop()", "main:shop.api.app")
    package = tmp_path / "__init__.py"
    package.write_text("app = 1")
    module = tmp_path / "api.py"
    module.write_text("")
    check("shop.api:app", [("shop/api/__init__.py", str(package))])
    # A package wins over a module of the same name, as it does for import.
    both = [("shop/api.py", str(module)), ("shop/api/__init__.py", str(package))]
    check("shop.api:app", both)
    check("shop.api:app", both[::-1])


def test_a_module_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LayerError) as caught:
        check_text(tmp_path, "app = 1", "server.api:app")
    assert str(caught.value) == (
        "application = 'server.api:app': there is no server/api.py or server/api/__init__.py in "
        "srcs (top level: main.py); correct application, srcs or strip_prefix"
    )


@pytest.mark.parametrize("application", ["main", "main:", ":app", "a b:c", "main:a("])
def test_an_application_of_another_form(tmp_path: Path, application: str) -> None:
    with pytest.raises(LayerError, match="isn't of the form 'module:attribute'"):
        check_text(tmp_path, "app = 1", application)


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=r"/main\.py:2: syntax error: "):
        check_text(tmp_path, "app = 1\ndef broken(:\n")
