import importlib.metadata
import importlib.util
from collections.abc import Callable


def installed(name: str) -> str | None:
    return importlib.import_module(name).version if importlib.util.find_spec(name) else None


def create_app() -> Callable[[], dict[str, str | None]]:
    return lambda: {name: installed(name) for name in ("more", "ring_a", "tool", "version")}
