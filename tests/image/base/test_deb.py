"""deb.py: what a package holds, and everything that is refused before it reaches a layer."""

import tarfile
from pathlib import Path

import pytest
from layer.deb import Package
from layer.errors import LayerError

from tests.image.base.deb_files import ar, control, deb, folder, link, member, tar


@pytest.mark.parametrize("compression", ["xz", "gz"])
def test_reads_fields_and_files(tmp_path: Path, compression: str) -> None:
    path = deb(
        tmp_path / "example.deb",
        folder("./"),
        folder("./usr/share/", 0o2775),
        folder("./tmp/", 0o1777),
        folder("./root/", 0o700),
        member("./usr/share/text", b"text", mode=0o640),
        member("./usr/share/tool", b"tool", mode=0o4750),
        link("./usr/share/alias", "text"),
        link("./usr/share/same", "./usr/share/text", tarfile.LNKTYPE),
        compression=compression,
    )
    package = Package(str(path))
    assert (package.name, package.version, package.architecture) == ("example", "1.2-3", "amd64")
    assert package.control == control()
    assert [
        (entry.path, entry.kind, oct(entry.mode), entry.data, entry.target)
        for entry in package.entries()
    ] == [
        ("usr/share", "dir", "0o755", None, ""),
        ("tmp", "dir", "0o1777", None, ""),
        ("root", "dir", "0o700", None, ""),
        ("usr/share/text", "file", "0o644", b"text", ""),
        ("usr/share/tool", "file", "0o4755", b"tool", ""),
        ("usr/share/alias", "symlink", "0o777", None, "text"),
        ("usr/share/same", "file", "0o644", b"text", ""),
    ]


def test_paths_from_before_merged_usr_are_moved(tmp_path: Path) -> None:
    path = deb(tmp_path / "a.deb", member("./lib/x.so", b"x"), link("./lib", "usr/lib"))
    assert [entry.path for entry in Package(str(path)).entries()] == ["usr/lib/x.so", "lib"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (member("/etc/passwd"), "'/etc/passwd' isn't a path below the image's root"),
        (member("./../etc/passwd"), "'./../etc/passwd' isn't a path below the image's root"),
        (member("./usr/../../x"), "isn't a path below the image's root"),
        (member("./usr//x"), "isn't a path below the image's root"),
        (member("./dev/sda", kind=tarfile.BLKTYPE), "/dev/sda is neither a file, a directory"),
        (member("./dev/tty", kind=tarfile.CHRTYPE), "/dev/tty is neither a file, a directory"),
        (member("./run/fifo", kind=tarfile.FIFOTYPE), "/run/fifo is neither a file, a directory"),
        (link("./x", "./y", tarfile.LNKTYPE), "/x is a hard link to './y', which the package"),
        (link("./x", "../../y", tarfile.LNKTYPE), "'../../y' isn't a path below"),
    ],
)
def test_hostile_entries(
    tmp_path: Path, entry: tuple[tarfile.TarInfo, bytes], message: str
) -> None:
    path = deb(tmp_path / "hostile.deb", entry)
    with pytest.raises(LayerError) as refused:
        Package(str(path)).entries()
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(path))


_DATA = ("data.tar.xz", tar(member("./x")))
_CONTROL = ("control.tar.xz", tar(member("./control", control().encode())))
_VERSION = ("debian-binary", b"2.0\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4", "isn't a Debian package (no ar archive)"),
        (ar(_CONTROL, _DATA), "isn't a Debian package of format 2.x"),
        (ar(("debian-binary", b"3.0\n"), _CONTROL, _DATA), "isn't a Debian package of format 2.x"),
        (ar(_VERSION, _CONTROL, _DATA)[:-8], "is cut short: data.tar.xz has"),
        (ar(_VERSION) + b"garbage", "is damaged: no member header at byte 72"),
        (ar(_VERSION, _CONTROL, _DATA, _DATA), "has two members named data.tar.xz"),
        (ar(_VERSION, _CONTROL), "has 0 members data.tar.*; a package has one"),
        (ar(_VERSION, _CONTROL, ("data.tar.zst", b"x")), "data.tar.zst is compressed with zst"),
        (ar(_VERSION, _CONTROL, ("data.tar.xz", b"x")), "data.tar.xz is damaged"),
        (ar(_VERSION, ("control.tar.xz", tar(member("./x"))), _DATA), "has no control file"),
    ],
)
def test_damaged_packages(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "damaged.deb"
    path.write_bytes(content)
    with pytest.raises(LayerError) as refused:
        Package(str(path))
    assert message in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_package_that_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layer.deb._MOST_BYTES", 100_000)
    files = [member(f"./usr/share/{number}", bytes(30_000)) for number in range(4)]
    path = deb(tmp_path / "bomb.deb", *files)
    package = Package(str(path))
    with pytest.raises(LayerError, match=r"bomb\.deb unpacks to more than 100,000 bytes"):
        package.entries()
    assert len(Package(str(deb(tmp_path / "a.deb", *files[:3]))).entries()) == 3


def test_a_control_archive_that_is_damaged(tmp_path: Path) -> None:
    path = deb(tmp_path / "a.deb", paragraph="Package: \udcff\n")
    with pytest.raises(LayerError, match="its control archive is damaged: 'utf-8' codec can't"):
        Package(str(path))


def test_a_sparse_file(tmp_path: Path) -> None:
    """Of no size in the package, and of any size when it is read."""
    path = deb(tmp_path / "a.deb", member("./usr/share/holes", kind=tarfile.GNUTYPE_SPARSE))
    with pytest.raises(LayerError, match="/usr/share/holes is a sparse file, which no package"):
        Package(str(path)).entries()


def test_truncated_data_inside_the_package(tmp_path: Path) -> None:
    data = tar(member("./x", b"x" * 100_000), compression="gz")
    path = tmp_path / "damaged.deb"
    path.write_bytes(ar(_VERSION, _CONTROL, ("data.tar.gz", data[:-40])))
    with pytest.raises(LayerError, match=r"damaged\.deb: its data archive is damaged"):
        Package(str(path)).entries()


def test_a_control_file_without_its_fields(tmp_path: Path) -> None:
    path = deb(tmp_path / "a.deb", paragraph="Package: a\nVersion: 1\n")
    with pytest.raises(LayerError, match="has no field 'Architecture' in its control file"):
        Package(str(path))


def test_a_name_that_is_a_path(tmp_path: Path) -> None:
    path = deb(tmp_path / "a.deb", paragraph=control(name="../../etc/passwd"))
    with pytest.raises(LayerError, match="which is no package name"):
        Package(str(path))
