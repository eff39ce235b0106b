import importlib.metadata
from pathlib import Path

import leaf
import shared


def app() -> list[str]:
    price = Path("config/price.txt").read_text().strip()
    return [shared.name, leaf.version, price]


def sell() -> None:
    print(*app(), importlib.metadata.version("shop"))
