"""Sub-command `labels`: pyproject.toml → the image's labels, one `key=value` a line.

Options:
    --pyproject=PATH   optional: its [project] table (PEP 621) is read
    --label=KEY=VALUE  repeatable: comes after and wins; an empty value takes a label out
    --output=PATH      the file
"""

from __future__ import annotations

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from layer.options import Options

_PREFIX = "org.opencontainers.image."
# Keys of [project.urls] in small letters, and the labels ("Pre-Defined Annotation Keys") they give.
_URLS = {
    "source": "source",
    "repository": "source",
    "homepage": "url",
    "documentation": "documentation",
}


def run(options: Options) -> None:
    """Writes the file."""
    labels: dict[str, str] = {}
    for path in options.many("pyproject"):
        with open(path, encoding="utf-8") as file:
            labels = project_labels(file.read(), path)
    for label in options.many("label"):
        key, _, value = label.partition("=")
        labels[key] = value
    lines = [f"{key}={value}\n" for key, value in sorted(labels.items()) if value]
    with open(options.one("output"), "w", encoding="utf-8") as file:
        file.writelines(lines)


def project_labels(text: str, path: str) -> dict[str, str]:
    """Returns the labels that a project's metadata gives.

    Raises:
        LayerError: the text isn't TOML, or names no project and version.
    """
    import tomllib

    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise LayerError(f"{path}: {error}") from None
    if "name" not in project or "version" not in project:
        raise LayerError(f"{path}: [project] gives no name and version to label the image with")
    people = [
        person.get("name") or person.get("email", "")
        for person in project.get("maintainers") or project.get("authors") or []
    ]
    licence = project.get("license", "")
    labels = {
        "maintainer": ", ".join(people),
        "version": project["version"],
        _PREFIX + "authors": ", ".join(people),
        _PREFIX + "description": " ".join(project.get("description", "").split()),
        _PREFIX + "licenses": licence if isinstance(licence, str) else licence.get("text", ""),
        _PREFIX + "title": project["name"],
        _PREFIX + "version": project["version"],
    }
    for name, url in project.get("urls", {}).items():
        key = _URLS.get(name.lower())
        if key:
            labels.setdefault(_PREFIX + key, url)
    return labels
