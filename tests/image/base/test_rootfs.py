"""What is in the mirror base, on each platform, and what must never be."""

import hashlib
import json
import re
import struct
import tarfile
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.image.base import unwanted
from tests.image.base.layout import PLATFORMS, Layout, base, listing

pytestmark = pytest.mark.parametrize("platform", PLATFORMS)


@cache
def layout(platform: str) -> Layout:
    return base(platform)


@cache
def members(platform: str) -> dict[str, tarfile.TarInfo]:
    return {member.name: member for member in layout(platform).members()}


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


def target(platform: str, path: str) -> str:
    """Where a path ends after every link is followed, each below the image's root."""
    entries = members(platform)
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


def test_listing(platform: str) -> None:
    golden = Path(f"tests/image/base/{platform}.mtree").read_text()
    assert listing(layout(platform)).splitlines() == golden.splitlines(), (
        "if the change is meant: bazel run //tests/image/base:update_listing"
    )


def test_everything_is_roots_and_without_a_time(platform: str) -> None:
    for member in members(platform).values():
        owner = (member.uid, member.gid, member.uname, member.gname)
        assert owner == (0, 0, "", ""), member.name
        assert member.mtime == 0, member.name


def test_modes(platform: str) -> None:
    for member in members(platform).values():
        assert member.isreg() or member.isdir() or member.issym(), member.name
        if member.issym():
            continue
        assert not member.mode & 0o6000, f"setuid or setgid: {member.name}"
        if member.name in ("tmp", "var/tmp"):
            assert member.mode == 0o1777, member.name
        else:
            assert not member.mode & 0o022, f"others may write: {member.name}"


def test_no_shell_and_no_package_manager(platform: str) -> None:
    files = [name for name, member in members(platform).items() if not member.isdir()]
    records = ("etc/", "usr/share/doc/", "var/lib/dpkg/status.d/")
    programs = [name for name in files if not name.startswith(records)]
    assert [name for name in programs if unwanted.PROGRAM.search(name)] == []


def test_the_only_program_is_python(platform: str) -> None:
    folders = ("usr/bin/", "usr/sbin/", "usr/local/bin/", "usr/local/sbin/", "usr/libexec/")
    programs = {name for name in members(platform) if name.startswith(folders)}
    assert {target(platform, name) for name in programs} == {"usr/bin/python3.13"}


def test_no_bytecode(platform: str) -> None:
    assert [name for name in members(platform) if "__pycache__" in name or ".pyc" in name] == []


def test_no_layer_has_a_path_of_another(platform: str) -> None:
    seen: dict[str, bytes] = {}
    for member in layout(platform).members():
        if member.isdir():
            continue
        assert member.name not in seen, member.name
        seen[member.name] = member.type


@pytest.mark.parametrize("name", ["python", "python3", "python3.13"])
def test_python_is_where_the_slim_image_has_it(platform: str, name: str) -> None:
    assert target(platform, f"usr/local/bin/{name}") == "usr/bin/python3.13"


def test_no_link_leads_nowhere(platform: str) -> None:
    entries = members(platform)
    # Mount points of the container's runtime.
    outside = ("run/lock",)
    for name, member in entries.items():
        if member.issym() and target(platform, name) not in outside:
            assert target(platform, name) in entries, f"{name} -> {member.linkname}"


def test_users(platform: str) -> None:
    passwd = layout(platform).read("etc/passwd").decode().splitlines()
    users = {line.split(":")[0]: line.split(":") for line in passwd}
    assert {name: tuple(fields[2:4]) for name, fields in users.items()} == {
        "root": ("0", "0"),
        "nobody": ("65534", "65534"),
        "nonroot": ("65532", "65532"),
    }
    assert {fields[6] for fields in users.values()} == {"/usr/sbin/nologin"}
    group = layout(platform).read("etc/group").decode().splitlines()
    groups = {line.split(":")[2] for line in group}
    assert groups == {"0", "65532", "65534"}


def test_trust_store(platform: str) -> None:
    bundle = layout(platform).read("etc/ssl/certs/ca-certificates.crt").decode()
    assert bundle.count("-----BEGIN CERTIFICATE-----") > 100
    assert bundle.count("-----BEGIN") == bundle.count("-----END")
    assert target(platform, "usr/lib/ssl/cert.pem") == "etc/ssl/certs/ca-certificates.crt"


def test_scanners_find_every_locked_package(platform: str) -> None:
    lock = json.loads(Path("image/base/debian_3_13.lock.json").read_text())["packages"]
    locked = lock[platform.removeprefix("linux_")]
    folder = "var/lib/dpkg/status.d/"
    records = {name.removeprefix(folder) for name in members(platform) if folder in name}
    assert {name for name in records if not name.endswith(".md5sums")} == {
        package["name"] for package in locked
    }
    for package in locked:
        fields = dict(
            line.split(": ", 1)
            for line in layout(platform).read(folder + package["name"]).decode().splitlines()
            if not line.startswith(" ") and ": " in line
        )
        assert fields["Package"] == package["name"]
        assert fields["Version"] == package["version"]
        assert fields["Architecture"] == package["architecture"]
        assert fields["Status"] == "install ok installed"


def test_scanners_find_whose_each_file_is(platform: str) -> None:
    folder = "var/lib/dpkg/status.d/"
    files = {name for name, member in members(platform).items() if member.isreg()}
    ours = {"etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/ssl/certs/ca-certificates.crt"}
    claimed = {}
    for name in sorted(files):
        if name.startswith(folder) and name.endswith(".md5sums"):
            for line in layout(platform).read(name).decode().splitlines():
                digest, _, path = line.partition("  ")
                claimed[path] = digest
    assert set(claimed) == {name for name in files if not name.startswith(folder)} - ours
    for path in ("usr/bin/python3.13", "usr/lib/os-release"):
        content = layout(platform).read(path)
        assert claimed[path] == hashlib.md5(content, usedforsecurity=False).hexdigest()


def test_every_package_keeps_its_licence(platform: str) -> None:
    entries = members(platform)
    for package in json.loads(Path("image/base/debian_3_13.lock.json").read_text())["packages"][
        platform.removeprefix("linux_")
    ]:
        assert target(platform, f"usr/share/doc/{package['name']}/copyright") in entries


def test_os_release(platform: str) -> None:
    assert target(platform, "etc/os-release") == "usr/lib/os-release"
    release = layout(platform).read("usr/lib/os-release").decode()
    assert "ID=debian\n" in release
    assert "VERSION_CODENAME=trixie\n" in release


def test_time_zones(platform: str) -> None:
    assert "usr/share/zoneinfo/Europe/Berlin" in members(platform)
    assert target(platform, "etc/localtime") == "usr/share/zoneinfo/Etc/UTC"


def test_config(platform: str) -> None:
    config = layout(platform).config
    assert (config["os"], config["architecture"]) == tuple(platform.split("_"))
    assert config.get("variant") == ("v8" if platform == "linux_arm64" else None)
    environment = dict(variable.split("=", 1) for variable in config["config"]["Env"])
    assert environment.keys() == {"PATH", "LANG", "PYTHON_VERSION"}
    assert environment["PATH"].startswith("/usr/local/bin:")
    assert environment["LANG"] == "C.UTF-8"
    locked = json.loads(Path("image/base/debian_3_13.lock.json").read_text())["packages"]["amd64"]
    version = {package["name"]: package["version"] for package in locked}["python3.13-minimal"]
    assert version.startswith(environment["PYTHON_VERSION"] + "-")


def test_python_is_for_this_cpu(platform: str) -> None:
    # ELF's e_machine (System V ABI): 62 is x86-64, 183 is AArch64.
    machine = {"linux_amd64": 62, "linux_arm64": 183}[platform]
    header = layout(platform).read("usr/bin/python3.13")[:20]
    assert header[:4] == b"\x7fELF"
    assert int.from_bytes(header[18:20], "little") == machine


def test_the_kernel_finds_pythons_loader(platform: str) -> None:
    program = layout(platform).read("usr/bin/python3.13")
    loader = re.search(rb"/lib(64)?/ld-linux-[a-z0-9_.-]+", program[:4096])
    assert loader is not None
    assert target(platform, loader[0].decode()) in members(platform)


def test_every_library_that_something_needs_is_there(platform: str) -> None:
    entries = members(platform)
    available = {name.rpartition("/")[2] for name in entries if name.startswith("usr/lib")}
    files = [name for name, member in entries.items() if member.isreg() and name.startswith("usr/")]
    programs = {name: layout(platform).read(name) for name in files if not name.endswith(".py")}
    programs = {name: content for name, content in programs.items() if content[:4] == b"\x7fELF"}
    assert len(programs) > 50
    assert "libc.so.6" in needed_libraries(programs["usr/bin/python3.13"])
    for name, content in programs.items():
        assert needed_libraries(content) - available == set(), name


def test_size(platform: str) -> None:
    unpacked = sum(member.size for member in members(platform).values())
    compressed = sum(layer["size"] for layer in layout(platform).manifest["layers"])
    assert unpacked < 45_000_000
    assert compressed < 16_000_000
