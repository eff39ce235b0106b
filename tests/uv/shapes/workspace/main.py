import api
import common
import top


def app() -> list[str]:
    return [api.name, common.name, top.version]
