"""Sub-command `build`: a source tree → its wheel, by its own PEP 517 backend, offline.

    build OUTPUT LABEL VERSION SUBDIRECTORY ENVIRONMENT SOURCE

OUTPUT is the wheel, SOURCE a source distribution or another archive of the tree (.tar, .tar.gz, .zip), SUBDIRECTORY its
folder in there or "", VERSION the locked one or "", ENVIRONMENT a tree that holds the backends that are pinned.

The same source gives the same bytes on every machine: no time, no umask, no file's order, no path of this machine
reaches the wheel. It is refused when it is for one platform: nothing is compiled here.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
import zlib

from wheels.errors import WheelError
from wheels.wheel import SITE_PACKAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What PEP 517 says of a tree without a [build-system] table.
_LEGACY = {"requires": ["setuptools"], "build-backend": "setuptools.build_meta:__legacy__"}

# The first second that a zip can hold.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_EPOCH_SECONDS = "315532800"

_WAYS_OUT = (
    "Put a wheel of it on an index and lock that, take a version that has one, or keep uv from choosing the source: "
    "`[tool.uv] no-build-package`"
)

# The backend has the tree as its working directory and is the one thing in its process.
_HOOK = """
import importlib, sys
# A backend may change sys.argv: setuptools does.
system, folder, told, *path = sys.argv[1:]
sys.path[:0] = path
module, _, attribute = system.partition(":")
backend = importlib.import_module(module)
for name in filter(None, attribute.split(".")):
    backend = getattr(backend, name)
name = backend.build_wheel(folder, {}, None)
with open(told, "w") as file:
    file.write(name)
"""


def run(arguments: list[str]) -> None:
    """Build the wheel."""
    output, label, version, subdirectory, environment, source = arguments
    environment = os.path.abspath(environment)
    with tempfile.TemporaryDirectory(prefix="build") as folder:
        tree = os.path.join(_unpack(source, f"{folder}/tree", label), subdirectory)
        if not os.path.isdir(tree):
            raise WheelError(f"{label}: its source has no folder {subdirectory}.")
        system = _build_system(tree, label)
        _check_requirements(system, f"{environment}/{SITE_PACKAGES}", label)
        wheel = _build(tree, system, environment, f"{folder}/wheel", label, version)
        tags = os.path.basename(wheel).removesuffix(".whl").split("-")[-2:]
        if tags != ["none", "any"]:
            raise WheelError(
                f"{label} has no wheel for this platform, and building it makes code for one platform "
                f"({os.path.basename(wheel)}): nothing is compiled here. {_WAYS_OUT}."
            )
        _settle(wheel, output)


def _unpack(archive: str, folder: str, label: str) -> str:
    """Unpack a source archive; returns the folder that is its root."""
    os.mkdir(folder)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(folder)
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise WheelError(f"{label}: its source distribution is damaged or unsafe ({error}).") from None
    inside = os.listdir(folder)
    if len(inside) == 1 and os.path.isdir(f"{folder}/{inside[0]}") and not os.path.exists(f"{folder}/pyproject.toml"):
        folder = f"{folder}/{inside[0]}"
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                runs = os.path.isdir(path) or os.stat(path).st_mode & 0o100
                os.chmod(path, 0o755 if runs else 0o644)
                os.utime(path, (int(_EPOCH_SECONDS),) * 2)
    return folder


def _build_system(tree: str, label: str) -> dict[str, Any]:
    try:
        with open(f"{tree}/pyproject.toml", "rb") as file:
            table = tomllib.load(file).get("build-system", {})
    except FileNotFoundError:
        table = {}
        if not os.path.exists(f"{tree}/setup.py"):
            raise WheelError(f"{label}: its source has neither a pyproject.toml nor a setup.py.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WheelError(f"{label}: its pyproject.toml is not valid TOML: {error}.") from None
    return {**_LEGACY, **table} if table.get("build-backend") else {**_LEGACY, "requires": table.get("requires", [])}


def _check_requirements(system: dict[str, Any], site: str, label: str) -> None:
    """Raises WheelError when the build asks for what is not pinned here."""
    present = {
        _normalised(name.split("-")[0]) for name in os.listdir(site) if name.endswith(".dist-info")
    }
    for requirement in system["requires"]:
        name, _, marker = requirement.partition(";")
        wanted = _normalised(re.split(r"[^A-Za-z0-9._-]", name.strip())[0])
        # What a marker leaves out is nearly always for an older Python, or another system.
        if wanted not in present and not marker:
            raise WheelError(
                f"{label} has no wheel for this platform, and building it needs {wanted}, which is not among the build backends "
                f"pinned here ({', '.join(sorted(present))}). {_WAYS_OUT}."
            )


def _build(tree: str, system: dict[str, Any], environment: str, folder: str, label: str, version: str) -> str:
    """Run the backend; returns the wheel's path."""
    os.mkdir(folder)
    told = f"{folder}.name"
    path = [os.path.join(tree, each) for each in system.get("backend-path", [])]
    home = f"{folder}.home"
    os.mkdir(home)
    environ = {
        "HOME": home,
        "LANG": "C.UTF-8",
        "PATH": f"{environment}/bin:{os.defpath}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        # For what the backend starts by itself.
        "PYTHONPATH": f"{environment}/{SITE_PACKAGES}",
        "SOURCE_DATE_EPOCH": _EPOCH_SECONDS,
        "TMPDIR": os.path.dirname(folder),
        "TZ": "UTC",
    }
    if version:
        # A version that comes from a repository is not in an archive of its files: the lock knows it.
        for name in ("SETUPTOOLS_SCM_PRETEND_VERSION", "PDM_BUILD_SCM_VERSION", "PBR_VERSION", "VERSIONEER_OVERRIDE"):
            environ[name] = version
    os.umask(0o022)
    done = subprocess.run(  # noqa: S603 - this interpreter, and no shell
        [
            sys.executable,
            "-s",
            "-P",
            "-c",
            _HOOK,
            system["build-backend"],
            folder,
            told,
            *path,
            f"{environment}/{SITE_PACKAGES}",
        ],
        cwd=tree,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()][-1:] or ["it said nothing"]
        raise WheelError(
            f"{label} has no wheel for this platform, and its build backend {system['build-backend']} fails: "
            f"{said[0].strip().replace(os.path.dirname(folder), '')}. {_WAYS_OUT}."
        )
    with open(told, encoding="utf-8") as file:
        return os.path.join(folder, file.read().strip())


def _settle(wheel: str, output: str) -> None:
    """Write the wheel anew: sorted, without times, modes and compression that differ from backend to backend."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(wheel) as built, zipfile.ZipFile(buffer, "w") as settled:
        for name in sorted(entry.filename for entry in built.infolist() if not entry.is_dir()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            settled.writestr(entry, built.read(name))
    with open(output, "wb") as file:
        shutil.copyfileobj(io.BytesIO(buffer.getvalue()), file)


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
