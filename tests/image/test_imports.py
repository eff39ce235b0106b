"""Every locked distribution imports in the image, on the base's interpreter."""

import json
import re

from tests.image.base.layout import Layout
from tests.image.container import Container

# What can't be imported, and why; and the distributions that have nothing to import.
LEFT_OUT = {
    # greenlet's own tests, which need psutil.
    "greenlet.tests._test_extension",
    "greenlet.tests._test_extension_cpp",
}
NO_MODULES: set[str] = set()

_SAYS = """
import importlib, importlib.metadata, json, os, sys, warnings

def modules(distribution):
    "By RECORD: the names at the top, of a namespace package those below it, and all compiled ones."
    for file in distribution.files:
        if file.suffix == ".so":
            yield ".".join((*file.parent.parts, file.name.partition(".")[0]))
    files = [file.parts for file in distribution.files if file.suffix in (".py", ".so")]
    for depth in range(1, 5):
        deeper = []
        for parts in files:
            name = parts[depth - 1].partition(".")[0]
            if parts[0] in ("..", "__pycache__") or not name.isidentifier():
                continue
            path = ".".join((*parts[: depth - 1], name))
            if len(parts) == depth or (*parts[:depth], "__init__.py") in files:
                yield path
            else:
                deeper.append(parts)
        files = deeper

warnings.simplefilter("ignore")
found, failed = {}, {}
for distribution in importlib.metadata.distributions():
    found[distribution.name] = sorted(set(modules(distribution)))
    for module in found[distribution.name]:
        try:
            importlib.import_module(module)
        except BaseException as error:
            failed[module] = repr(error)
print(json.dumps([found, failed, sys.prefix, sys.base_prefix, sys.version.split()[0]]))
"""


def test_every_distribution_imports(
    container: Container, runtime: dict[str, str], image: Layout
) -> None:
    done = container.run("python", "-c", _SAYS)
    assert done.returncode == 0, done.stderr
    found, failed, prefix, base_prefix, version = json.loads(done.stdout.splitlines()[-1])
    assert set(failed) == LEFT_OUT, failed
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in found} == set(runtime)
    assert {name for name, modules in found.items() if not modules} == NO_MODULES
    # The environment's, on the base's interpreter.
    assert prefix == "/app/.venv"
    assert base_prefix != prefix
    assert f"PYTHON_VERSION={version}" in image.config["config"]["Env"]
