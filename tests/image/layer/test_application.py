"""application.py: would uvicorn find the application? Known without importing anything."""

from pathlib import Path

import pytest
from layer.application import Sources, check
from layer.errors import LayerError


def check_files(tmp_path: Path, files: dict[str, str], application: str, *roots: str) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    check(application, Sources([(path, str(tmp_path / path)) for path in files], roots or ("",)))


def check_text(tmp_path: Path, text: str, application: str = "main:app") -> None:
    check_files(tmp_path, {"main.py": text}, application)


@pytest.mark.parametrize(
    "text",
    [
        "app = FastAPI()",
        "app: FastAPI = create()",
        "from shop import app",
        "from shop import create as app",
        "from . import app",
        "import app.main",
        "from shop import *",
        "def app(scope, receive, send): ...",
        "async def app(scope, receive, send): ...",
        "class app: ...",
        "if True:\n    app = 1\nelse:\n    app = 2",
        "try:\n    import fast\nexcept ImportError:\n    app = None",
        "try:\n    from main import nothing as app\nexcept ImportError:\n    app = None",
        "with open('x') as app: pass",
        "for app in apps: pass",
        "first, (second, *app) = values",
        "print(app := create())",
        "print([app := 1 for each in x])",
        "x = 1" + "+1" * 4000 + "\napp = 1",
        "match value:\n    case [app]: pass",
        "try: pass\nexcept Exception as app: pass",
        "def __getattr__(name): ...",
        "def start():\n    global app\n    app = FastAPI()\nstart()",
        "globals()['app'] = FastAPI()",
        "globals().update(app=FastAPI())",
        "import sys\nsys.modules[__name__].app = 1",
        "exec('app = 1')",
        "setattr(module, 'app', 1)",
        "def make():\n    vars()['app'] = 1",
        "@enum.global_enum\nclass E(enum.Enum):\n    app = 1",
        "from main import __file__ as app",
    ],
)
def test_names_that_a_module_binds_or_may(tmp_path: Path, text: str) -> None:
    check_text(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "application = FastAPI()",
        "def create():\n    app = FastAPI()",
        "def create():\n    from shop import app",
        "def create():\n    try: pass\n    except Exception as app: pass",
        "class Shop:\n    app = 1",
        "class Shop:\n    def app(self): ...",
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
    # A package wins over a module of the same name, as it does for import.
    check_files(tmp_path, {"shop/api.py": "", "shop/api/__init__.py": "app = 1"}, "shop.api:app")


def test_a_factory_is_a_name_like_any(tmp_path: Path) -> None:
    check_text(tmp_path, "def create_app(): ...", "main:create_app")


def test_a_package_without_init(tmp_path: Path) -> None:
    check_files(tmp_path, {"backend/app/main.py": "app = 1"}, "backend.app.main:app")


@pytest.mark.parametrize(
    "files",
    [
        {"shop/__init__.py": "from .main import app", "shop/main.py": "app = 1"},
        {"shop/__init__.py": "from shop.main import app", "shop/main.py": "app = 1"},
        {"shop/__init__.py": "from .main import api as app", "shop/main.py": "api = 1"},
        {"shop/__init__.py": "from . import app", "shop/app.py": ""},
        {"shop/__init__.py": "", "shop/app/main.py": ""},
        {"shop/__init__.py": "", "shop/app.cpython-313-x86_64-linux-gnu.so": ""},
        {"shop/__init__.py": "from .main import app", "shop/main.py": "from .x import *"},
        # What is elsewhere, or bound twice, or in a circle, can't be told.
        {"shop/__init__.py": "from fastapi_shop import app"},
        {"shop/__init__.py": "from .gone import app"},
        {"shop/__init__.py": "from .main import app", "shop/main.py": "from shop import app"},
        {
            "shop/__init__.py": "if x:\n    from .one import app\nelse:\n    from .two import app",
            "shop/one.py": "",
            "shop/two.py": "app = 1",
        },
        # Said by the compilation of the module itself.
        {"shop/__init__.py": "from .main import app", "shop/main.py": "x = ("},
        {
            "shop/__init__.py": "from .api.main import app",
            "shop/api/__init__.py": "",
            "shop/api/main.py": "from ..core import app",
            "shop/core.py": "app = 1",
        },
    ],
)
def test_names_that_are_imported(tmp_path: Path, files: dict[str, str]) -> None:
    check_files(tmp_path, files, "shop:app")


def test_a_name_that_is_imported_and_not_there(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from .api.main import app",
        "shop/api/main.py": "from ..core import application as app",
        "shop/core.py": "application_ = 1",
    }
    with pytest.raises(LayerError) as caught:
        check_files(tmp_path, files, "shop:app")
    assert str(caught.value) == (
        f"application = 'shop:app': {tmp_path}/shop/core.py binds no name 'application' at its "
        f"top level, which {tmp_path}/shop/api/main.py imports from it; correct application or "
        "the module"
    )


def test_modules_below_another_root(tmp_path: Path) -> None:
    files = {"src/shop/main.py": "application = 1", "shop/other.py": ""}
    check_files(tmp_path, files, "shop.main:application", "", "src")
    with pytest.raises(LayerError, match="binds no name 'app'"):
        check_files(tmp_path, files, "shop.main:app", "", "src")
    # What isn't there may be a distribution's: `start` looks into those.
    check_files(tmp_path, files, "shop.main:app", "")
    check_files(tmp_path, files, "server.api:app")


@pytest.mark.parametrize("application", ["main", "main:", ":app", "a b:c", "main:a("])
def test_an_application_of_another_form(tmp_path: Path, application: str) -> None:
    with pytest.raises(LayerError, match="isn't of the form 'module:attribute'"):
        check_text(tmp_path, "app = 1", application)


def test_a_syntax_error_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match=r"/main\.py:2: syntax error: "):
        check_text(tmp_path, "app = 1\ndef broken(:\n")
