import common
import leaf

from api import name


def app() -> list[str]:
    return [name, common.name, leaf.version]
