import importlib.metadata

import common
import tool

from worker import name


def app() -> list[str]:
    return [name, common.name, tool.version]


def work() -> None:
    print(*app(), importlib.metadata.version("worker"))
