"""Makes small Debian packages, well-formed or not."""

import io
import tarfile
from pathlib import Path


def member(
    name: str,
    content: bytes = b"",
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o644,
    target: str = "",
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a package's data archive, owned by somebody odd at an odd time."""
    info = tarfile.TarInfo(name)
    info.type = kind
    info.mode = mode
    info.linkname = target
    info.size = len(content)
    info.uid = info.gid = 4711
    info.uname = info.gname = "builder"
    info.mtime = 1_700_000_000
    return info, content


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, kind=kind, target=target)


def tar(*members: tuple[tarfile.TarInfo, bytes], compression: str = "xz") -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode=f"w:{compression}") as archive:  # type: ignore[call-overload]
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return output.getvalue()


def ar(*members: tuple[str, bytes]) -> bytes:
    blob = b"!<arch>\n"
    for name, content in members:
        blob += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode()
        blob += content + b"\n" * (len(content) % 2)
    return blob


def control(name: str = "example", version: str = "1.2-3", architecture: str = "amd64") -> str:
    return (
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        "Maintainer: Nobody <nobody@debian.example>\nDescription: an example\n of two lines\n"
    )


def deb(
    path: Path,
    *members: tuple[tarfile.TarInfo, bytes],
    paragraph: str | None = None,
    compression: str = "xz",
) -> Path:
    """Writes a package with these entries and returns its path."""
    said = member(
        "./control",
        (control() if paragraph is None else paragraph).encode(errors="surrogateescape"),
    )
    path.write_bytes(
        ar(
            ("debian-binary", b"2.0\n"),
            (f"control.tar.{compression}", tar(said, compression=compression)),
            (f"data.tar.{compression}", tar(*members, compression=compression)),
        )
    )
    return path
