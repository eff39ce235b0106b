import google.one
import google.two


def app() -> list[str]:
    return [google.one.name, google.two.name]
