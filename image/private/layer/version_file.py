"""Modules with a project's version that its build backend writes beside its sources.

They are in no repository, and code imports them: without, a clean checkout makes an image that
can't start. `uv sync` has them from the editable build.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What setuptools-scm and hatch-vcs write, as far as it is for other code.
_TEXT = """\
__version__ = version = {version!r}
__version_tuple__ = version_tuple = {version_tuple!r}
__commit_id__ = commit_id = None
"""


def version_files(document: dict[str, Any], version: str) -> dict[str, str]:
    """Returns path, from pyproject.toml's folder → text.

    A template of the project's own is followed as far as it needs the version alone; a file that
    needs more is left out.

    Args:
        document: pyproject.toml.
        version: in PEP 440's normal form.
    """
    tool = document.get("tool", {})
    scm = tool.get("setuptools_scm", {})
    vcs = tool.get("hatch", {}).get("build", {}).get("hooks", {}).get("vcs", {})
    written = tool.get("versioningit", {}).get("write", {})
    wanted = [
        (scm.get("version_file"), scm.get("version_file_template")),
        (scm.get("write_to"), scm.get("write_to_template")),
        (vcs.get("version-file"), vcs.get("template")),
    ]
    if isinstance(written, dict) and "method" not in written:
        wanted.append((written.get("file"), written.get("template", '__version__ = "{version}"\n')))
    numbers = tuple(int(part) if part.isdigit() else part for part in version.split("."))
    files = {}
    for path, template in wanted:
        if not isinstance(path, str) or not path.endswith(".py"):
            continue
        try:
            text = (template or _TEXT).format(version=version, version_tuple=numbers)
        except (KeyError, IndexError, ValueError, AttributeError):
            continue
        files[path.removeprefix("./")] = text
    return files
