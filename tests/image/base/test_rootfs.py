"""What is in the mirror bases, on each platform, and what must never be."""

import hashlib
import json
import re
import struct
import tarfile
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.image.base import unwanted
from tests.image.base.layout import BASES, PLATFORMS, Layout, base, cpu_of, listing, python_of

on_each_base = pytest.mark.parametrize("image", BASES)
_RELEASES = {"3.11": "bookworm", "3.13": "trixie", "3.14": "forky"}


@cache
def layout(image: str) -> Layout:
    return base(image)


def locked(image: str) -> list[dict[str, str]]:
    """The packages that the base's lock pins."""
    lock = Path(f"image/base/debian_{python_of(image).replace('.', '_')}.lock.json")
    packages: list[dict[str, str]] = json.loads(lock.read_bytes())["packages"][cpu_of(image)]
    return packages


def interpreter(image: str) -> str:
    """Where Debian has the base's interpreter, relative to `/`."""
    return f"usr/bin/python{python_of(image)}"


@cache
def members(image: str) -> dict[str, tarfile.TarInfo]:
    return {member.name: member for member in layout(image).members()}


def needed_libraries(program: bytes) -> set[str]:
    """The names in DT_NEEDED of a 64-bit ELF file (System V ABI, "Dynamic Section")."""

    def numbers(at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}Q", program, at)

    table = numbers(32, 1)[0]
    entry_size, count = struct.unpack_from("<2H", program, 54)
    segments = []
    for at in range(table, table + entry_size * count, entry_size):
        kind = struct.unpack_from("<I", program, at)[0]
        offset, address, _, size = numbers(at + 8, 4)
        segments.append((kind, offset, address, size))
    dynamic = [
        numbers(at, 2)
        for kind, offset, _, size in segments
        if kind == 2  # PT_DYNAMIC
        for at in range(offset, offset + size, 16)
    ]
    strings = next((value for tag, value in dynamic if tag == 5), 0)  # DT_STRTAB, an address
    base = next(
        (
            strings - address + offset
            for kind, offset, address, size in segments
            if kind == 1 and address <= strings < address + size
        ),
        0,
    )
    starts = [base + value for tag, value in dynamic if tag == 1]  # DT_NEEDED
    return {program[at : program.index(b"\0", at)].decode() for at in starts}


def target(image: str, path: str) -> str:
    """Where a path ends after every link is followed, each below the image's root."""
    entries = members(image)
    done = PurePosixPath()
    parts = list(PurePosixPath(path.lstrip("/")).parts)
    hops = 0
    while parts:
        part = parts.pop(0)
        done = done.parent if part == ".." else done / part
        member = entries.get(str(done))
        if member and member.issym():
            hops += 1
            assert hops < 20, f"{path} goes round in circles"
            link = PurePosixPath(member.linkname)
            done = PurePosixPath() if link.is_absolute() else done.parent
            parts = [*link.relative_to("/" if link.is_absolute() else ".").parts, *parts]
    return str(done)


@pytest.mark.parametrize("image", PLATFORMS)
def test_listing(image: str) -> None:
    golden = Path(f"tests/image/base/{image}.mtree").read_text()
    assert listing(layout(image)).splitlines() == golden.splitlines(), (
        "if the change is meant: bazel run //tests/image/base:update_listing"
    )


@on_each_base
def test_everything_is_roots_and_without_a_time(image: str) -> None:
    for member in members(image).values():
        owner = (member.uid, member.gid, member.uname, member.gname)
        assert owner == (0, 0, "", ""), member.name
        assert member.mtime == 0, member.name


@on_each_base
def test_modes(image: str) -> None:
    for member in members(image).values():
        assert member.isreg() or member.isdir() or member.issym(), member.name
        if member.issym():
            continue
        assert not member.mode & 0o6000, f"setuid or setgid: {member.name}"
        if member.name in ("tmp", "var/tmp"):
            assert member.mode == 0o1777, member.name
        else:
            assert not member.mode & 0o022, f"others may write: {member.name}"


@on_each_base
def test_no_shell_and_no_package_manager(image: str) -> None:
    files = [name for name, member in members(image).items() if not member.isdir()]
    records = ("etc/", "usr/share/doc/", "var/lib/dpkg/status.d/")
    programs = [name for name in files if not name.startswith(records)]
    assert [name for name in programs if unwanted.PROGRAM.search(name)] == []


@on_each_base
def test_the_only_program_is_python(image: str) -> None:
    folders = ("usr/bin/", "usr/sbin/", "usr/local/bin/", "usr/local/sbin/", "usr/libexec/")
    programs = {name for name in members(image) if name.startswith(folders)}
    assert {target(image, name) for name in programs} == {interpreter(image)}


@on_each_base
def test_no_bytecode(image: str) -> None:
    assert [name for name in members(image) if "__pycache__" in name or ".pyc" in name] == []


@on_each_base
def test_no_layer_has_a_path_of_another(image: str) -> None:
    seen: dict[str, bytes] = {}
    for member in layout(image).members():
        if member.isdir():
            continue
        assert member.name not in seen, member.name
        seen[member.name] = member.type


@on_each_base
def test_python_is_where_the_slim_image_has_it(image: str) -> None:
    for name in ("python", "python3", f"python{python_of(image)}"):
        assert target(image, f"usr/local/bin/{name}") == interpreter(image)


@on_each_base
def test_no_link_leads_nowhere(image: str) -> None:
    entries = members(image)
    # Mount points of the container's runtime.
    outside = ("run/lock",)
    for name, member in entries.items():
        if member.issym() and target(image, name) not in outside:
            assert target(image, name) in entries, f"{name} -> {member.linkname}"


@on_each_base
def test_users(image: str) -> None:
    passwd = layout(image).read("etc/passwd").decode().splitlines()
    users = {line.split(":")[0]: line.split(":") for line in passwd}
    assert {name: tuple(fields[2:4]) for name, fields in users.items()} == {
        "root": ("0", "0"),
        "nobody": ("65534", "65534"),
        "nonroot": ("65532", "65532"),
    }
    assert {fields[6] for fields in users.values()} == {"/usr/sbin/nologin"}
    group = layout(image).read("etc/group").decode().splitlines()
    groups = {line.split(":")[2] for line in group}
    assert groups == {"0", "65532", "65534"}


@on_each_base
def test_trust_store(image: str) -> None:
    bundle = layout(image).read("etc/ssl/certs/ca-certificates.crt").decode()
    assert bundle.count("-----BEGIN CERTIFICATE-----") > 100
    assert bundle.count("-----BEGIN") == bundle.count("-----END")
    assert target(image, "usr/lib/ssl/cert.pem") == "etc/ssl/certs/ca-certificates.crt"


@on_each_base
def test_scanners_find_every_locked_package(image: str) -> None:
    folder = "var/lib/dpkg/status.d/"
    records = {name.removeprefix(folder) for name in members(image) if folder in name}
    assert {name for name in records if not name.endswith(".md5sums")} == {
        package["name"] for package in locked(image)
    }
    for package in locked(image):
        fields = dict(
            line.split(": ", 1)
            for line in layout(image).read(folder + package["name"]).decode().splitlines()
            if not line.startswith(" ") and ": " in line
        )
        assert fields["Package"] == package["name"]
        assert fields["Version"] == package["version"]
        assert fields["Architecture"] == package["architecture"]
        assert fields["Status"] == "install ok installed"


@on_each_base
def test_scanners_find_whose_each_file_is(image: str) -> None:
    folder = "var/lib/dpkg/status.d/"
    files = {name for name, member in members(image).items() if member.isreg()}
    ours = {"etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl/certs/ca-certificates.crt"}
    claimed = {}
    for name in sorted(files):
        if name.startswith(folder) and name.endswith(".md5sums"):
            for line in layout(image).read(name).decode().splitlines():
                digest, _, path = line.partition("  ")
                claimed[path] = digest
    assert set(claimed) == {name for name in files if not name.startswith(folder)} - ours
    for path in (interpreter(image), "usr/lib/os-release"):
        content = layout(image).read(path)
        assert claimed[path] == hashlib.md5(content, usedforsecurity=False).hexdigest()


@on_each_base
def test_every_package_keeps_its_licence(image: str) -> None:
    entries = members(image)
    for package in locked(image):
        assert target(image, f"usr/share/doc/{package['name']}/copyright") in entries


@on_each_base
def test_os_release(image: str) -> None:
    assert target(image, "etc/os-release") == "usr/lib/os-release"
    release = layout(image).read("usr/lib/os-release").decode()
    assert "ID=debian\n" in release
    assert f"VERSION_CODENAME={_RELEASES[python_of(image)]}\n" in release


@on_each_base
def test_time_zones(image: str) -> None:
    assert "usr/share/zoneinfo/Europe/Berlin" in members(image)
    assert target(image, "etc/localtime") == "usr/share/zoneinfo/Etc/UTC"


@on_each_base
def test_config(image: str) -> None:
    config = layout(image).config
    assert (config["os"], config["architecture"]) == ("linux", cpu_of(image))
    assert config.get("variant") == ("v8" if cpu_of(image) == "arm64" else None)
    environment = dict(variable.split("=", 1) for variable in config["config"]["Env"])
    assert environment.keys() == {"PATH", "LANG", "PYTHON_VERSION"}
    assert environment["PATH"].startswith("/usr/local/bin:")
    assert environment["LANG"] == "C.UTF-8"
    versions = {package["name"]: package["version"] for package in locked(image)}
    version = versions[f"python{python_of(image)}-minimal"]
    assert version.startswith(environment["PYTHON_VERSION"] + "-")


@on_each_base
def test_python_is_for_this_cpu(image: str) -> None:
    # ELF's e_machine (System V ABI): 62 is x86-64, 183 is AArch64.
    machine = {"amd64": 62, "arm64": 183}[cpu_of(image)]
    header = layout(image).read(interpreter(image))[:20]
    assert header[:4] == b"\x7fELF"
    assert int.from_bytes(header[18:20], "little") == machine


@on_each_base
def test_the_kernel_finds_pythons_loader(image: str) -> None:
    program = layout(image).read(interpreter(image))
    loader = re.search(rb"/lib(64)?/ld-linux-[a-z0-9_.-]+", program[:4096])
    assert loader is not None
    assert target(image, loader[0].decode()) in members(image)


@on_each_base
def test_every_library_that_something_needs_is_there(image: str) -> None:
    entries = members(image)
    available = {name.rpartition("/")[2] for name in entries if name.startswith("usr/lib")}
    files = [name for name, member in entries.items() if member.isreg() and name.startswith("usr/")]
    programs = {name: layout(image).read(name) for name in files if not name.endswith(".py")}
    programs = {name: content for name, content in programs.items() if content[:4] == b"\x7fELF"}
    assert len(programs) > 50
    assert "libc.so.6" in needed_libraries(programs[interpreter(image)])
    for name, content in programs.items():
        assert needed_libraries(content) - available == set(), name


@on_each_base
def test_size(image: str) -> None:
    unpacked = sum(member.size for member in members(image).values())
    compressed = sum(layer["size"] for layer in layout(image).manifest["layers"])
    assert unpacked < 45_000_000
    assert compressed < 16_000_000
