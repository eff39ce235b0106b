"""Sub-command `labels`: pyproject.toml → the image's labels, one `key=value` a line.

Options:
    --pyproject=PATH   optional: its [project] table (PEP 621) is read
    --project=PATH     optional: what `project` wrote, for a version that the table doesn't hold
    --label=KEY=VALUE  repeatable: comes after and wins; an empty value takes a label out
    --output=PATH      the file
"""

from __future__ import annotations

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
        with open(path, "rb") as file:
            labels = project_labels(file.read(), path, _version(options))
    for label in options.many("label"):
        key, _, value = label.partition("=")
        labels[key] = value
    lines = [f"{key}={value}\n" for key, value in sorted(labels.items()) if value]
    with open(options.one("output"), "w", encoding="utf-8") as file:
        file.writelines(lines)


def _version(options: Options) -> str:
    import json

    for path in options.many("project"):
        with open(path, encoding="utf-8") as file:
            return str(json.load(file)["version"])
    return ""


def project_labels(text: bytes, path: str, version: str = "") -> dict[str, str]:
    """Returns the labels that a project's metadata gives; none of the version if it is unknown.

    Args:
        text: pyproject.toml.
        path: where it is, for messages.
        version: the version, where it isn't in the text or another is wanted.

    Raises:
        LayerError: the text isn't TOML, names no project, or holds something else where PEP 621
            wants a string or a table.
    """
    import tomllib

    try:
        project = tomllib.loads(text.decode()).get("project", {})
        if "name" not in project:
            raise LayerError(
                f"{path}: no [project] table gives a name to label the image with; give "
                "fastapi_image() the pyproject.toml of the project that it is made of"
            )
        labels = _labels(project | {"version": version or project.get("version", "")})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LayerError(f"{path}: {error}") from None
    except (AttributeError, TypeError):
        raise LayerError(f"{path}: [project] is not as PEP 621 has it") from None
    for key, value in labels.items():
        # The file that they go into has a line for each.
        if not isinstance(value, str) or len(value.splitlines()) > 1:
            raise LayerError(f"{path}: {value!r} can't be the label {key}, which is a line of text")
    return labels


def _labels(project: dict[str, Any]) -> dict[str, str]:
    people = [
        person.get("name") or person.get("email", "")
        for person in project.get("maintainers") or project.get("authors") or []
    ]
    licence = project.get("license", "")
    # PEP 621's older form may hold the whole text.
    licence = licence if isinstance(licence, str) else licence.get("text", "").partition("\n")[0]
    labels = {
        "maintainer": ", ".join(people),
        "version": project["version"],
        _PREFIX + "authors": ", ".join(people),
        _PREFIX + "description": " ".join(project.get("description", "").split()),
        _PREFIX + "licenses": licence,
        _PREFIX + "title": project["name"],
        _PREFIX + "version": project["version"],
    }
    for name, url in project.get("urls", {}).items():
        key = _URLS.get(name.lower())
        if key:
            labels.setdefault(_PREFIX + key, url)
    return labels
