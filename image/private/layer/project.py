"""Sub-command `project`: pyproject.toml → what an installer writes of a project in its folder.

That is what `uv sync` makes of a project with a `[build-system]`, or of any by `[tool.uv] package`:
an editable install. Code finds its own version and entry points (`importlib.metadata`), its console
scripts start, and its modules can be imported from everywhere. No source is an input, and nothing
of the project is run.

Options:
    --pyproject=PATH    the file
    --name=PATH         repeatable: a file that may hold the version, beside pyproject.toml …
    --file=PATH         … and, in the same order, that file on this machine
    --version=X         optional: the version, whatever the file says
    --workdir=DIR       the working directory in the image, such as app
    --place=DIR         where pyproject.toml lies, or would, below it; empty: there itself
    --environment=DIR   the virtual environment's place in the image, such as app/.venv
    --output=PATH       JSON: `version` ("" if unknown), `files` (path in the virtual environment →
                        text), `roots` (folders below the working directory that hold modules)
                        and `written` (path of a module with the version, in the folder of the
                        pyproject.toml as PATH names it → text)

The formats: core metadata 2.4, "recording installed projects", entry points, direct URLs, and
site's path configuration files.
"""

from __future__ import annotations

import re
import sys

from layer import version
from layer.errors import LayerError
from layer.scripts import console_scripts
from layer.version_file import version_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from layer.options import Options

_SITE_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
_UNKNOWN = "0.0.0"


def run(options: Options) -> None:
    """Writes the file."""
    import json
    import tomllib

    path = options.one("pyproject")
    given = options.one("version", "")
    files = dict(zip(options.many("name"), options.many("file"), strict=True))

    def read(name: str) -> bytes | None:
        source = files.get(name.removeprefix("./"))
        if source is None:
            return None
        with open(source, "rb") as file:
            return file.read()

    try:
        with open(path, "rb") as file:
            document = tomllib.loads(file.read().decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LayerError(f"{path}: {error}") from None
    made: dict[str, Any] = {"files": {}, "roots": [""], "version": "", "written": {}}
    try:
        # As uv decides it.
        installed = document.get("tool", {}).get("uv", {}).get(
            "package", "build-system" in document
        ) and "name" in document.get("project", {})
        found = ""
        try:
            found = given or version.find(document, read)
        except version.UnknownVersionError as error:
            if installed:
                print(
                    f"{path}: {error}, so the image says {_UNKNOWN}: give fastapi_image() "
                    'version = "1.2.3"',
                    file=sys.stderr,
                )
        # A label holds it as it was written.
        static = document.get("project", {}).get("version")
        made["version"] = static if isinstance(static, str) and not given else found
        if installed:
            workdir, place = options.one("workdir"), options.one("place", "")
            made["roots"] = roots(document, place)
            normal = version.normalise(found or _UNKNOWN)
            folder = path.rpartition("/")[0]
            made["written"] = {
                f"{folder}/{name}" if folder else name: text
                for name, text in version_files(document, normal).items()
            }
            made["files"] = install(
                document,
                normal,
                workdir,
                made["roots"],
                options.one("environment"),
            )
    except (AttributeError, TypeError, KeyError):
        raise LayerError(f"{path}: [project] is not as PEP 621 has it") from None
    with open(options.one("output"), "w", encoding="utf-8") as output:
        json.dump(made, output, ensure_ascii=False, sort_keys=True)


def roots(document: dict[str, Any], place: str) -> list[str]:
    """Returns the folders below the working directory in which modules may be.

    Those that the backends know by `src/` or by a setting, also where the sources come without
    them: a folder that isn't there does no harm.

    Args:
        document: pyproject.toml.
        place: where it lies below the working directory.
    """
    tool = document.get("tool", {})
    found = ["", "src"]
    setuptools = tool.get("setuptools", {})
    packages = setuptools.get("packages", {})
    if isinstance(packages, dict):
        found += packages.get("find", {}).get("where", [])
    found += [folder for name, folder in setuptools.get("package-dir", {}).items() if not name]
    wheel = tool.get("hatch", {}).get("build", {}).get("targets", {}).get("wheel", {})
    found += [package.rpartition("/")[0] for package in wheel.get("packages", [])]
    found += [each for each in wheel.get("sources", []) if isinstance(wheel["sources"], list)]
    found += [package.get("from", "") for package in tool.get("poetry", {}).get("packages", [])]
    found.append(tool.get("pdm", {}).get("build", {}).get("package-dir", ""))
    root = tool.get("uv", {}).get("build-backend", {}).get("module-root", "")
    made = [""]
    for folder in [*found, root]:
        parts = [part for part in f"{place}/{folder}".split("/") if part not in ("", ".")]
        if ".." not in parts:
            made.append("/".join(parts))
    return list(dict.fromkeys(made))


def install(
    document: dict[str, Any], found: str, workdir: str, folders: list[str], environment: str
) -> dict[str, str]:
    """Returns path in the virtual environment → text.

    Raises:
        LayerError: a script isn't of the form `module:object`.
    """
    import json
    import urllib.parse

    project = document["project"]
    name = project["name"]
    stem = re.sub(r"[-_.]+", "_", name).lower()
    info = f"{_SITE_PACKAGES}/{stem}-{found.replace('-', '_')}.dist-info"
    base = f"/{workdir}".rstrip("/")
    files = {
        f"{_SITE_PACKAGES}/_{stem}.pth": "".join(
            f"{base}/{folder}".rstrip("/") + "\n" for folder in folders
        ),
        f"{info}/METADATA": metadata(project, found),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: fastapi_image\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/INSTALLER": "fastapi_image\n",
        f"{info}/direct_url.json": json.dumps(
            {"dir_info": {"editable": True}, "url": f"file://{urllib.parse.quote(base or '/')}"}
        ),
    }
    points = entry_points(project)
    if points:
        files[f"{info}/entry_points.txt"] = points
        scripts = console_scripts(points.encode(), f"/{environment}", f"{name} {found}")
        files |= {f"bin/{script}": text.decode() for script, text in scripts.items()}
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return files


def metadata(project: dict[str, Any], found: str) -> str:
    """Returns METADATA, without the readme and the licence's text."""
    fields = [("Metadata-Version", "2.4"), ("Name", project["name"]), ("Version", found)]

    def add(key: str, value: object) -> None:
        text = " ".join(str(value).split())
        if value and text:
            fields.append((key, text))

    add("Summary", project.get("description"))
    add("Keywords", ",".join(project.get("keywords", [])))
    for key, people in (("Author", "authors"), ("Maintainer", "maintainers")):
        given = project.get(people, [])
        names = [each["name"] for each in given if "name" in each and "email" not in each]
        mails = [
            f"{each['name']} <{each['email']}>" if "name" in each else each["email"]
            for each in given
            if "email" in each
        ]
        add(key, ", ".join(names))
        add(f"{key}-Email", ", ".join(mails))
    licence = project.get("license", "")
    if isinstance(licence, str):
        add("License-Expression", licence)
    else:
        add("License", licence.get("text", "").partition("\n")[0])
    for classifier in project.get("classifiers", []):
        add("Classifier", classifier)
    for label, url in project.get("urls", {}).items():
        add("Project-URL", f"{label}, {url}")
    add("Requires-Python", project.get("requires-python"))
    for requirement in project.get("dependencies", []):
        add("Requires-Dist", requirement)
    for extra, requirements in sorted(project.get("optional-dependencies", {}).items()):
        extra_name = re.sub(r"[-_.]+", "-", extra).lower()
        add("Provides-Extra", extra_name)
        for requirement in requirements:
            add("Requires-Dist", _of_extra(requirement, extra_name))
    return "".join(f"{key}: {value}\n" for key, value in fields)


def _of_extra(requirement: str, extra: str) -> str:
    # After an address a marker needs a space before its semicolon (PEP 508).
    separator = " ;" if "@" in requirement.partition(";")[0] else ";"
    needed, _, marker = requirement.partition(separator)
    condition = f"({marker.strip()}) and " if marker.strip() else ""
    return f"{needed.strip()}{' ' if separator == ' ;' else ''}; {condition}extra == '{extra}'"


def entry_points(project: dict[str, Any]) -> str:
    """Returns entry_points.txt, "" if there are none."""
    groups = {
        "console_scripts": project.get("scripts", {}),
        "gui_scripts": project.get("gui-scripts", {}),
        **project.get("entry-points", {}),
    }
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in sorted(points.items()))
        for group, points in sorted(groups.items())
        if points
    )


def _record(files: dict[str, str], record: str) -> str:
    """Returns RECORD, with paths relative to site-packages."""
    import binascii
    import hashlib

    up = "../" * (_SITE_PACKAGES.count("/") + 1)
    rows = [f"{record.removeprefix(_SITE_PACKAGES + '/')},,\n"]
    for path, text in files.items():
        content = text.encode()
        digest = binascii.b2a_base64(hashlib.sha256(content).digest(), newline=False).decode()
        digest = digest.translate({ord("+"): "-", ord("/"): "_", ord("="): None})
        inside = path.startswith(_SITE_PACKAGES + "/")
        name = path.removeprefix(_SITE_PACKAGES + "/") if inside else up + path
        if any(character in name for character in ',"\r\n'):
            name = '"' + name.replace('"', '""') + '"'  # as the csv module quotes
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join(sorted(rows))
