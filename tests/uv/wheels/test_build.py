"""build.py: small source distributions of every kind, by the backends that are pinned."""

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from wheels.wheel import read

from tests.uv.wheels.tool import failed, run, start

BACKENDS = Path(os.environ["BACKENDS"]).absolute()
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
WAYS_OUT = (
    "Put a wheel of it on an index and lock that, take a version that has one, or keep uv from "
    "choosing the source: `[tool.uv] no-build-package`."
)
COMPILES = (
    "shop 1.0 has no wheel for this platform, and building it compiles code for one platform: "
    f"nothing is compiled here. {WAYS_OUT}"
)
MODULE = {"shop/__init__.py": "price = 1\n"}
SETUP = "from setuptools import setup\nsetup(name='shop', version='1.0', packages=['shop']{})\n"
PROJECT = '[project]\nname = "shop"\nversion = "1.0"\n'

Files = Mapping[str, str | bytes]


def system(backend: str, *requires: str) -> str:
    quoted = ", ".join(f'"{each}"' for each in requires)
    return f'[build-system]\nrequires = [{quoted}]\nbuild-backend = "{backend}"\n'


def sdist(folder: Path, files: Files, top: str = "shop-1.0/", suffix: str = ".tar.gz") -> Path:
    """A source distribution of these files."""
    archive = folder / f"shop-1.0{suffix}"
    contents = {
        f"{top}{name}": content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as zipped:
            for name, content in contents.items():
                zipped.writestr(name, content)
        return archive
    with tarfile.open(archive, "w:gz" if suffix.endswith("gz") else "w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive


class Builder:
    """Runs the sub-command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheel = folder / "shop-1.0-py3-none-any.whl"
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

    def arguments(
        self, source: Path, version: str = "1.0", label: str = "", subdirectory: str = ""
    ) -> tuple[str | Path, ...]:
        label = label or f"shop {version}".strip()
        return ("build", self.wheel, label, version, subdirectory, BACKENDS, source)

    def __call__(
        self, source: Path, version: str = "1.0", label: str = "", subdirectory: str = ""
    ) -> subprocess.CompletedProcess[str]:
        arguments = self.arguments(source, version, label, subdirectory)
        done = run(*arguments, environ={"TMPDIR": str(self.temporary)})
        assert list(self.temporary.iterdir()) == []
        assert self.wheel.exists() == (done.returncode == 0)
        return done

    def files(self, source: Path, version: str = "1.0", subdirectory: str = "") -> dict[str, bytes]:
        """What a wheel installs whose build says nothing."""
        done = self(source, version, subdirectory=subdirectory)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        wheel = read(str(self.wheel), "shop 1.0")
        assert wheel.notes == []
        return wheel.files

    def refused(self, source: Path, version: str = "1.0", label: str = "") -> str:
        return failed(self(source, version, label))


@pytest.fixture
def build(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


KINDS: dict[str, Files] = {
    "setup.py": {"setup.py": SETUP.format("")},
    "setup.py that imports distutils": {
        "setup.py": "from distutils.core import setup\n"
        "setup(name='shop', version='1.0', packages=['shop'])\n"
    },
    "setup.py that imports what it packs": {
        "setup.py": "import shop\nassert shop.price\n" + SETUP.format("")
    },
    "setup.cfg": {
        "setup.cfg": "[metadata]\nname = shop\nversion = 1.0\n[options]\npackages = shop\n",
        "setup.py": "import setuptools\nsetuptools.setup()\n",
    },
    "a build-system without a backend": {
        "pyproject.toml": '[build-system]\nrequires = ["setuptools>=40", "wheel"]\n',
        "setup.py": SETUP.format(""),
    },
    "setuptools": {"pyproject.toml": PROJECT + system("setuptools.build_meta", "setuptools>=61")},
    "hatchling": {"pyproject.toml": PROJECT + system("hatchling.build", "hatchling")},
    "flit_core": {
        "pyproject.toml": PROJECT
        + 'description = "Shop"\n'
        + system("flit_core.buildapi", "flit_core >=3.2,<5")
    },
    "poetry.core": {
        "pyproject.toml": '[tool.poetry]\nname = "shop"\nversion = "1.0"\ndescription = ""\n'
        "authors = []\n" + system("poetry.core.masonry.api", "poetry-core>=1.0")
    },
    "pdm.backend": {"pyproject.toml": PROJECT + system("pdm.backend", "pdm-backend")},
    "uv_build": {
        "pyproject.toml": PROJECT
        + system("uv_build", "uv_build>=0.9")
        + '[tool.uv.build-backend]\nmodule-root = ""\n'
    },
    "setuptools-scm": {
        "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n'
        "[tool.setuptools]\npackages = ['shop']\n[tool.setuptools_scm]\n"
        + system("setuptools.build_meta", "setuptools", "setuptools-scm[toml]>=8")
    },
    "hatch-vcs": {
        "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n'
        '[tool.hatch.version]\nsource = "vcs"\n'
        + system("hatchling.build", "hatchling", "hatch-vcs")
    },
    "pdm.backend's version from a repository": {
        "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n'
        '[tool.pdm.version]\nsource = "scm"\n' + system("pdm.backend", "pdm-backend")
    },
    "poetry-dynamic-versioning": {
        "pyproject.toml": '[tool.poetry]\nname = "shop"\nversion = "0"\ndescription = ""\n'
        "authors = []\n[tool.poetry-dynamic-versioning]\nenable = true\n"
        + system("poetry_dynamic_versioning.backend", "poetry-core", "poetry-dynamic-versioning")
    },
    "uv-dynamic-versioning": {
        "pyproject.toml": '[project]\nname = "shop"\ndynamic = ["version"]\n'
        '[tool.hatch.version]\nsource = "uv-dynamic-versioning"\n'
        + system("hatchling.build", "hatchling", "uv-dynamic-versioning")
    },
    "pbr": {
        "setup.cfg": "[metadata]\nname = shop\n[files]\npackages = shop\n",
        "setup.py": "from setuptools import setup\nsetup(setup_requires=['pbr'], pbr=True)\n",
        "pyproject.toml": '[build-system]\nrequires = ["setuptools", "pbr"]\n',
    },
    "a backend in the tree": {
        "helpers/own.py": "from setuptools.build_meta import *\n",
        "pyproject.toml": PROJECT
        + "[tool.setuptools]\npackages = ['shop']\n"
        + system("own", "setuptools")
        + 'backend-path = ["helpers"]\n',
    },
    "a version that the pinned one does not satisfy": {
        "pyproject.toml": PROJECT + system("hatchling.build", "hatchling==1.0")
    },
    "what only another Python needs": {
        "pyproject.toml": PROJECT
        + system("hatchling.build", "hatchling", "tomli; python_version < '3.11'")
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_distribution(kind: str, build: Builder, folder: Path) -> None:
    files = build.files(sdist(folder, {**MODULE, **KINDS[kind]}))
    assert files[f"{SITE}/shop/__init__.py"] == b"price = 1\n"
    assert b"\nVersion: 1.0\n" in files[f"{SITE}/shop-1.0.dist-info/METADATA"]


HATCHLING = {**MODULE, **KINDS["hatchling"]}
SETUPTOOLS = {**MODULE, **KINDS["setup.py"]}


@pytest.mark.parametrize(
    ("top", "suffix", "subdirectory"),
    [
        ("shop-1.0/", ".tar.gz", ""),
        ("shop-1.0/", ".zip", ""),
        ("", ".tar", ""),
        ("sub/folder/", ".tar", "sub/folder"),
        ("top/sub/folder/", ".zip", "sub/folder"),
        ("folder/folder/", ".tar", "folder/folder"),
    ],
)
def test_archives(build: Builder, folder: Path, top: str, suffix: str, subdirectory: str) -> None:
    source = sdist(folder, HATCHLING, top, suffix)
    assert f"{SITE}/shop/__init__.py" in build.files(source, subdirectory=subdirectory)


def test_a_tar_whose_last_file_is_a_zip(build: Builder, folder: Path) -> None:
    """It looks like one, as a zip is found by its end."""
    inner = sdist(folder, HATCHLING, suffix=".zip").read_bytes()
    source = sdist(folder, {**HATCHLING, "shop/z.zip": inner}, suffix=".tar")
    source.write_bytes(source.read_bytes().rstrip(b"\0") + bytes(1024))
    assert build.files(source)[f"{SITE}/shop/z.zip"] == inner


def test_a_version_that_only_the_backend_knows(build: Builder, folder: Path) -> None:
    assert f"{SITE}/shop/__init__.py" in build.files(sdist(folder, HATCHLING), version="")


@pytest.mark.parametrize("kind", ["setuptools-scm", "hatch-vcs", "uv-dynamic-versioning"])
def test_a_version_that_only_a_repository_knows(build: Builder, folder: Path, kind: str) -> None:
    """Of a folder of the project: its history is no part of it, and its build must not fail."""
    done = build(sdist(folder, {**MODULE, **KINDS[kind]}), version="")
    assert (done.returncode, done.stderr) == (
        0,
        "INFO: shop has version 0.0.0 in the image: it takes its version from version control, "
        "which no build sees. One in its pyproject.toml is seen.\n",
    )


def test_a_hint_follows_why_there_is_no_wheel(build: Builder, folder: Path) -> None:
    arguments = build.arguments(sdist(folder, {"setup.py": "raise SystemExit('no')\n"}))
    line = failed(run(*arguments, "It has a wheel for Python 3.12.", environ={}))
    assert line.endswith(" `[tool.uv] no-build-package`. It has a wheel for Python 3.12.")


# The same bytes everywhere.

NOSY = """\
import os, sys, time
from setuptools import setup
open("shop/seen.py", "w").write(repr((
    sorted(os.environ), os.environ["HOME"] != os.environ["TMPDIR"], os.environ.get("SECRET"),
    time.timezone, os.environ["SOURCE_DATE_EPOCH"],
    oct(os.stat("setup.py").st_mode), os.stat("setup.py").st_mtime,
    sys.argv[1:2], sys.path[0] == "", oct(os.stat(open("made", "w").name).st_mode),
)))
os.chmod("shop/__init__.py", 0o700)
setup(name="shop", version="1.0", packages=["shop"])
"""


@pytest.mark.parametrize("kind", ["setuptools", "hatchling", "flit_core", "pdm.backend", "nosy"])
def test_the_same_bytes_wherever_and_whenever(kind: str, folder: Path, tmp_path: Path) -> None:
    files = {"setup.py": NOSY} if kind == "nosy" else KINDS[kind]
    source = sdist(folder, {**MODULE, **files})
    wheels = []
    for name, umask, zone in (
        ("here", 0o077, "UTC"),
        ("a longer name of a folder", 0, "Asia/Tokyo"),
    ):
        place = tmp_path / name
        place.mkdir()
        build = Builder(place)
        previous = os.umask(umask)
        try:
            done = run(
                *build.arguments(source),
                cwd=place,
                environ={"TMPDIR": str(build.temporary), "TZ": zone, "SECRET": name, "HOME": name},
            )
        finally:
            os.umask(previous)
        assert done.returncode == 0, done.stderr
        wheels.append(build.wheel.read_bytes())
        time.sleep(1.1)  # a zip counts in seconds, in twos
        os.utime(source)
    assert wheels[0] == wheels[1]


def test_a_path_of_this_machine(build: Builder, folder: Path) -> None:
    setup = "import os\nopen('shop/path.py', 'w').write(os.getcwd())\n" + SETUP.format("")
    assert build.refused(sdist(folder, {**MODULE, "setup.py": setup})) == (
        "shop 1.0 has no wheel for this platform, and building it writes a path of this machine "
        f"into shop/path.py: no two machines build the same. {WAYS_OUT}"
    )


# Compilers.

EXTENSION = ", ext_modules=[Extension('shop.fast', ['fast.c']{})]"
FAST = {"fast.c": "#include <Python.h>\n"}


def extension(more: str = "", optional: str = "") -> dict[str, str]:
    setup = "from setuptools import Extension\n" + SETUP.format(EXTENSION.format(optional) + more)
    return {**MODULE, **FAST, "setup.py": setup}


def test_a_c_extension(build: Builder, folder: Path) -> None:
    assert build.refused(sdist(folder, extension())) == COMPILES


@pytest.mark.parametrize("compiler", ["cc", "gcc", "g++", "clang", "x86_64-linux-gnu-gcc", "make"])
def test_no_compiler_of_this_machine_is_found(
    build: Builder, folder: Path, tmp_path: Path, compiler: str
) -> None:
    """Not even where one is there, and first on the user's PATH."""
    tool = tmp_path / "bin" / compiler
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n")
    tool.chmod(0o755)
    setup = f"import subprocess\nsubprocess.run([{compiler!r}, 'x.c'], check=True)\n"
    source = sdist(folder, {**MODULE, "setup.py": setup + SETUP.format("")})
    path = f"{tool.parent}:{os.environ['PATH']}"
    arguments = build.arguments(source)
    line = failed(run(*arguments, environ={"PATH": path, "CC": str(tool), "CXX": str(tool)}))
    assert line.endswith(WAYS_OUT)
    assert not (tmp_path / "called").exists()


def test_the_machines_programs_are_out_of_reach(build: Builder, folder: Path) -> None:
    setup = """\
import os
places = [place for place in os.environ["PATH"].split(":") if os.path.isdir(place)]
names = sorted(name for place in places for name in os.listdir(place))
open("shop/programs.py", "w").write(" ".join(names))
"""
    files = build.files(sdist(folder, {**MODULE, "setup.py": setup + SETUP.format("")}))
    assert files[f"{SITE}/shop/programs.py"].decode().split() == [
        *("c++", "cc", "clang", "clang++", "g++", "gcc"),  # none of which compiles
        "readlink",  # for the script that starts the base's interpreter
        "uv-build",
    ]


NOTE = (
    "INFO: shop 1.0 is built without its compiled parts, which are optional: nothing is compiled "
    "here.\n"
)
FALLBACK = """\
from setuptools import Extension, setup
def run(**more):
    setup(name="shop", version="1.0", packages=["shop"], **more)
try:
    run(ext_modules=[Extension("shop.fast", ["fast.c"])])
except SystemExit:
    run()
"""


@pytest.mark.parametrize(
    "files",
    [extension(optional=", optional=True"), {**MODULE, **FAST, "setup.py": FALLBACK}],
    ids=["optional", "fallback"],
)
def test_an_extension_that_can_be_left_out(build: Builder, folder: Path, files: Files) -> None:
    """What the wheel's tag says of a platform is then untrue."""
    done = build(sdist(folder, files))
    assert (done.returncode, done.stderr) == (0, NOTE)
    wheel = read(str(build.wheel), "shop 1.0")
    assert wheel.notes == []
    assert f"{SITE}/shop/__init__.py" in wheel.files
    tags = wheel.files[f"{SITE}/shop-1.0.dist-info/WHEEL"].decode().splitlines()
    assert tags.count("Tag: py3-none-any") == 1
    assert tags.count("Root-Is-Purelib: true") == 1


def test_a_program_that_is_in_the_source(build: Builder, folder: Path) -> None:
    setup = (
        "from setuptools import Distribution\nDistribution.has_ext_modules = lambda self: True\n"
    )
    files: Files = {
        **MODULE,
        "shop/tool.so": b"\x7fELF" + bytes(60),
        "setup.py": setup + SETUP.format(", package_data={'shop': ['*.so']}"),
    }
    assert build.refused(sdist(folder, files)) == COMPILES


# Backends that aren't there, or fail.


def test_a_backend_that_is_not_pinned(build: Builder, folder: Path) -> None:
    files = {**MODULE, "pyproject.toml": PROJECT + system("maturin", "maturin>=1", "meson-python")}
    line = build.refused(sdist(folder, files))
    assert line.startswith(
        "shop 1.0 has no wheel for this platform, and building it needs maturin and meson-python, "
        "which is not among the build backends pinned here ("
    )
    assert "flit-core, " in line
    assert line.endswith(f"). {WAYS_OUT}")


FAILS = "shop 1.0 has no wheel for this platform, and its build backend {} fails: {}. " + WAYS_OUT
LEGACY = "setuptools.build_meta:__legacy__"


@pytest.mark.parametrize(
    ("setup", "said"),
    [
        ("raise RuntimeError('no luck.\\nat all')", "RuntimeError: no luck"),
        ("raise SystemExit('no luck')", "no luck"),
        ("raise SystemExit(3)", "exit code 3"),
        ("1 +", "SyntaxError: invalid syntax (<string>, line 1)"),
        ("import missing", "ModuleNotFoundError: No module named 'missing'"),
        (
            "import os, sys\nprint('last words', file=sys.stderr, flush=True)\nos._exit(3)",
            "last words",
        ),
        ("import os\nos.kill(os.getpid(), 9)", "exit code -9"),
        ("import os\nraise OSError(os.getcwd() + '/x')", "OSError: /tree/shop-1.0/x"),
    ],
)
def test_a_setup_that_fails(build: Builder, folder: Path, setup: str, said: str) -> None:
    source = sdist(folder, {**MODULE, "setup.py": setup + "\n"})
    assert build.refused(source) == FAILS.format(LEGACY, said)


def test_a_backend_without_the_hook(build: Builder, folder: Path) -> None:
    line = build.refused(
        sdist(folder, {**MODULE, "pyproject.toml": PROJECT + system("json:decoder", "setuptools")})
    )
    assert line.startswith(FAILS.format("json:decoder", "AttributeError: ")[: -len(WAYS_OUT) - 2])


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("pass", "No such file or directory"),
        ("open(folder + '/shop-1.0-py3-none-any.whl', 'w').write('x')", "File is not a zip file"),
    ],
)
def test_a_backend_that_leaves_no_wheel(
    build: Builder, folder: Path, leave: str, said: str
) -> None:
    own = f"def build_wheel(folder, *_):\n    {leave}\n    return 'shop-1.0-py3-none-any.whl'\n"
    files = {"own.py": own, "pyproject.toml": system("own") + 'backend-path = ["."]\n'}
    line = build.refused(sdist(folder, files))
    assert line.startswith("shop 1.0: its build backend leaves no valid wheel (")
    assert said in line
    assert str(build.temporary) not in line


def test_another_version_than_the_locked_one(build: Builder, folder: Path) -> None:
    assert build.refused(sdist(folder, HATCHLING), "2.0") == (
        "shop 2.0: its source builds version 1.0, and uv.lock has 2.0. Lock anew."
    )
    assert build(sdist(folder, HATCHLING), "1.0.0").returncode == 0


def test_another_distribution_than_the_locked_one(build: Builder, folder: Path) -> None:
    line = build.refused(sdist(folder, HATCHLING), label="other 1.0")
    assert line == "other 1.0: its source is that of shop."


def test_a_name_of_another_spelling(build: Builder, folder: Path) -> None:
    project = PROJECT.replace('"shop"', '"Two.Words"')
    pyproject = project + system("hatchling.build", "hatchling")
    files = {"two_words/__init__.py": "", "pyproject.toml": pyproject}
    assert build(sdist(folder, files), label="two-words 1.0").returncode == 0


# Sources that are broken, or out to do harm.


@pytest.mark.parametrize(
    ("pyproject", "said"),
    [
        ("[build-system\n", "its pyproject.toml is not valid TOML: "),
        (
            "build-system = 1\n",
            "the [build-system] of its pyproject.toml is not as PEP 517 and 518",
        ),
        ("[build-system]\nrequires = 'x'\n", "the [build-system] of its pyproject.toml is not as"),
        (
            "[build-system]\nbuild-backend = 1\n",
            "the [build-system] of its pyproject.toml is not as",
        ),
        (
            "[build-system]\nbackend-path = ['x']\n",
            "the [build-system] of its pyproject.toml is not",
        ),
        (
            system("own") + 'backend-path = ["../.."]\n',
            "its backend-path leads out of its source (PEP 517).",
        ),
        (
            system("own", "a b c"),
            "has no wheel for this platform, and its build backend own fails: ",
        ),
    ],
)
def test_a_build_system_that_is_none(
    build: Builder, folder: Path, pyproject: str, said: str
) -> None:
    line = build.refused(sdist(folder, {**SETUPTOOLS, "pyproject.toml": pyproject}))
    assert line.startswith(("shop 1.0: " + said, "shop 1.0 " + said))


def test_neither_pyproject_nor_setup(build: Builder, folder: Path) -> None:
    assert build.refused(sdist(folder, MODULE)) == (
        "shop 1.0: its source has neither a pyproject.toml nor a setup.py."
    )


def test_a_folder_that_is_not_there(build: Builder, folder: Path) -> None:
    done = build(sdist(folder, HATCHLING), subdirectory="elsewhere")
    assert failed(done) == "shop 1.0: its source has no folder elsewhere."


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_an_archive_that_is_cut_short(build: Builder, folder: Path, suffix: str) -> None:
    source = sdist(folder, SETUPTOOLS, suffix=suffix)
    source.write_bytes(source.read_bytes()[:-100])
    assert build.refused(source).startswith("shop 1.0: its source distribution is damaged (")


@pytest.mark.parametrize("content", [b"", b"<html>", bytes(100)])
def test_no_archive_at_all(build: Builder, folder: Path, content: bytes) -> None:
    source = folder / "shop-1.0.tar.gz"
    source.write_bytes(content)
    assert "shop 1.0: its source" in build.refused(source)


def odd(folder: Path, name: str, kind: bytes, target: str = "") -> Path:
    source = sdist(folder, SETUPTOOLS, suffix=".tar")
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    with tarfile.open(source, "a") as tar:
        tar.addfile(entry)
    return source


@pytest.mark.parametrize(
    ("name", "kind", "target"),
    [
        ("../../climbs", tarfile.REGTYPE, ""),
        ("shop-1.0/link", tarfile.SYMTYPE, "/etc/passwd"),
        ("shop-1.0/link", tarfile.SYMTYPE, "../../../etc/passwd"),
        ("shop-1.0/link", tarfile.LNKTYPE, "../../../etc/passwd"),
        ("shop-1.0/device", tarfile.CHRTYPE, ""),
        ("shop-1.0/fifo", tarfile.FIFOTYPE, ""),
    ],
)
def test_an_entry_that_leads_out(
    build: Builder, folder: Path, name: str, kind: bytes, target: str
) -> None:
    assert build.refused(odd(folder, name, kind, target)) == (
        f"shop 1.0: its source distribution is unsafe: its entry {name!r} leads out of it, or is "
        "no file."
    )


def test_a_zip_that_climbs_out(build: Builder, folder: Path) -> None:
    source = sdist(folder, {**SETUPTOOLS, "../../climbs": ""}, suffix=".zip")
    assert "its entry 'shop-1.0/../../climbs' leads out of it" in build.refused(source)


def test_a_link_inside_of_the_source_is_kept(build: Builder, folder: Path) -> None:
    source = odd(folder, "shop-1.0/shop/link.py", tarfile.SYMTYPE, "__init__.py")
    assert build.files(source)[f"{SITE}/shop/link.py"] == b"price = 1\n"


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_a_bomb(folder: Path, tmp_path: Path, suffix: str) -> None:
    from wheels.errors import WheelError
    from wheels.source import unpack

    source = sdist(folder, {**SETUPTOOLS, "large": bytes(5000)}, suffix=suffix)
    with pytest.raises(WheelError) as caught:
        unpack(str(source), str(tmp_path), "shop 1.0", most_bytes=4000)
    assert str(caught.value) == (
        "shop 1.0: its source distribution is unsafe: it unpacks to more than 4,000 bytes, as a "
        "bomb does."
    )


# Processes.


def running(mark: str) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark.encode() in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def wait_for_none(mark: str) -> None:
    end = time.monotonic() + 20
    while left := running(mark):
        assert time.monotonic() < end, left
        time.sleep(0.05)


def test_what_a_build_starts_ends_with_it(build: Builder, folder: Path) -> None:
    """Even what keeps its output open."""
    mark = f"7{os.getpid()}.25"
    setup = f"import subprocess\nsubprocess.Popen(['/bin/sleep', '{mark}'])\n" + SETUP.format("")
    build.files(sdist(folder, {**MODULE, "setup.py": setup}))
    wait_for_none(mark)


def test_a_build_ends_with_its_action(build: Builder, folder: Path) -> None:
    started = build.folder / "started"
    setup = f"import time\nopen({str(started)!r}, 'w').close()\ntime.sleep(60)\n"
    source = sdist(folder, {**MODULE, "setup.py": setup})
    own = {**os.environ, "TMPDIR": str(build.temporary)}
    action = subprocess.Popen(start(*build.arguments(source)), env=own)
    try:
        end = time.monotonic() + 30
        while not started.exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running(f"{build.temporary}/")
        action.send_signal(signal.SIGKILL)
        action.wait(30)
        wait_for_none(f"{build.temporary}/")
    finally:
        action.kill()
        action.wait(30)
