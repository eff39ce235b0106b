"""The mirror base's interpreter, started in the base itself as the user that images run as."""

import json
import os
import platform
from pathlib import Path

import pytest

from tests.image.base.layout import BASES, base, cpu_of, python_of
from tests.image.container import Container


class Rootfs:
    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self.python = python
        self._container = Container(folder, {"LANG": "C.UTF-8", "PATH": "/usr/local/bin"})

    def run(self, *command: str) -> str:
        """What the command prints, run inside."""
        done = self._container.run(*command)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout


_MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture(scope="module", params=[name for name in BASES if cpu_of(name) == _MACHINE])
def rootfs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Rootfs:
    folder = tmp_path_factory.mktemp("rootfs")
    python = python_of(request.param)
    base(request.param).unpack(folder)
    environment = folder / "app/.venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin/python").symlink_to(f"/usr/local/bin/python{python}")
    (environment / "pyvenv.cfg").write_text("home = /usr/local/bin\n")
    return Rootfs(folder, python)


def test_python_finds_itself(rootfs: Rootfs) -> None:
    says = "import os, sys; print(os.getuid(), os.getgid(), sys.executable, sys.prefix)"
    for name in ("python", "python3", f"python{rootfs.python}"):
        path = f"/usr/local/bin/{name}"
        assert rootfs.run(path, "-c", says).split() == ["65532", "65532", path, "/usr"]


def test_a_virtual_environment_on_it(rootfs: Rootfs) -> None:
    says = "import sys; print(sys.executable, sys.prefix, sys.base_prefix)"
    python = "/app/.venv/bin/python"
    assert rootfs.run(python, "-c", says).split() == [python, "/app/.venv", "/usr"]


@pytest.mark.parametrize(
    "module",
    ["asyncio", "bz2", "ctypes", "decimal", "lzma", "multiprocessing", "sqlite3", "ssl", "uuid"],
)
def test_modules_with_libraries_import(rootfs: Rootfs, module: str) -> None:
    rootfs.run("/usr/local/bin/python3", "-c", f"import {module}")


# Only for other systems, or needing what is left out: see packages.toml.
_NOT_HERE = {
    *("_android_support", "_apple_support", "_ios_support", "_osx_support", "nturl2path"),
    *("asyncio.windows_events", "asyncio.windows_utils", "encodings.mbcs", "encodings.oem"),
    *("multiprocessing.popen_spawn_win32", "ctypes.wintypes", "ctypes._aix", "_aix_support"),
    *("_pyrepl", "curses", "dbm.gnu", "dbm.ndbm", "turtle", "_distutils_system_mod"),
    *("antigravity", "this"),
}


def test_the_standard_library_imports(rootfs: Rootfs) -> None:
    says = (
        "import importlib, json, os, pkgutil, warnings\n"
        "warnings.simplefilter('ignore')\n"
        f"left_out = {sorted(_NOT_HERE)!r}\n"
        "failed, count = [], 0\n"
        "for module in pkgutil.walk_packages([os.path.dirname(os.__file__)]):\n"
        "    name = module.name\n"
        "    if name in left_out or name.split('.')[0] in left_out or '__main__' in name:\n"
        "        continue\n"
        "    count += 1\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except BaseException as error:\n"
        "        failed.append(f'{name}: {error!r}')\n"
        "print(json.dumps([count, failed]))\n"
    )
    count, failed = json.loads(rootfs.run("/usr/local/bin/python3", "-B", "-c", says))
    assert failed == []
    assert count > 400


def test_tls_trusts_certificate_authorities(rootfs: Rootfs) -> None:
    says = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(rootfs.run("/usr/local/bin/python3", "-c", says)) > 100


def test_locale_time_zones_users_and_services(rootfs: Rootfs) -> None:
    says = (
        "import locale, os, pwd, socket, sys, time, zoneinfo\n"
        "print(locale.setlocale(locale.LC_ALL, ''), sys.flags.utf8_mode, time.tzname[0])\n"
        "print(len(zoneinfo.available_timezones()) > 400, zoneinfo.ZoneInfo('Europe/Berlin'))\n"
        "print(pwd.getpwuid(os.getuid()).pw_name, socket.getservbyname('https'))\n"
    )
    assert rootfs.run("/usr/local/bin/python3", "-c", says).splitlines() == [
        "C.UTF-8 0 UTC",
        "True Europe/Berlin",
        "nonroot 443",
    ]


def test_tmp_is_writable(rootfs: Rootfs) -> None:
    says = "import tempfile; print(tempfile.mkstemp()[1].startswith('/tmp/'))"
    assert rootfs.run("/usr/local/bin/python3", "-c", says) == "True\n"


def test_there_is_no_shell(rootfs: Rootfs) -> None:
    says = (
        "import subprocess\n"
        "try:\n    subprocess.run('true', shell=True)\n"
        "except FileNotFoundError as error:\n    print(error.filename)\n"
    )
    assert rootfs.run("/usr/local/bin/python3", "-c", says) == "/bin/sh\n"


def test_os_is_debian(rootfs: Rootfs) -> None:
    says = "import platform; print(platform.freedesktop_os_release()['PRETTY_NAME'])"
    release = {"3.11": "12", "3.13": "13", "3.14": "forky"}[rootfs.python]
    name = rootfs.run("/usr/local/bin/python3", "-c", says)
    assert name.startswith(f"Debian GNU/Linux {release}")
    assert os.path.islink(rootfs.folder / "etc/os-release")  # noqa: PTH114  not followed
