"""What an image needs to know of one layer: digest, diff id, size and compression.

The expensive part of an image: it reads the whole layer. So it is an action of its own, which Bazel
runs once per layer and not once per image.
"""

import os
import zlib
from hashlib import sha256
from typing import BinaryIO, Protocol, cast

from oci_tool import layout

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
EPOCH = "1970-01-01T00:00:00Z"


class Hash(Protocol):
    """The part of a hashlib object that is used here."""

    def update(self, data: bytes, /) -> object: ...

    def hexdigest(self) -> str: ...


def compression_of(start: bytes) -> str:
    """Compression of a layer by its first bytes: "gzip", "zstd" or "" (RFC 1952, RFC 8878)."""
    if start.startswith(_GZIP):
        return "gzip"
    return "zstd" if start.startswith(_ZSTD) else ""


def _hash_gzip(file: BinaryIO, digest: Hash, diff_id: Hash) -> None:
    """Hash a gzip file as it is and as it unpacks; it may hold several members (RFC 1952, 2.2)."""
    member = zlib.decompressobj(wbits=31)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
        while chunk:
            if member.eof:
                member = zlib.decompressobj(wbits=31)
            diff_id.update(member.decompress(chunk))
            chunk = member.unused_data
    if not member.eof:
        raise ValueError("the gzip data ends too early")


def _hash_zstd(path: str, digest: Hash, diff_id: Hash) -> None:
    """Hash a zstd file as it is and as the `zstd` program unpacks it: Python 3.13 cannot itself."""
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    # Imported where it is needed: it would be a quarter of what describing a small layer takes.
    import subprocess

    # By its standard input: of a path it would refuse a link, and inputs in a sandbox are links.
    command = ["zstd", "--decompress", "--stdout", "--quiet"]
    try:
        with open(path, "rb") as file:
            process = subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise ValueError("a zstd layer needs the program zstd on PATH") from None
    with process:
        unpacked = cast(BinaryIO, process.stdout)
        while chunk := unpacked.read(_CHUNK):
            diff_id.update(chunk)
    if process.returncode:
        raise ValueError(f"zstd ended with exit code {process.returncode}")


def describe(path: str, label: str) -> layout.Json:
    """Describe a layer; `label` is the target that made it and goes into the image's history."""
    digest = sha256()
    diff_id = sha256()
    try:
        with open(path, "rb") as file:
            compression = compression_of(file.read(4))
            file.seek(0)
            if compression == "gzip":
                _hash_gzip(file, digest, diff_id)
            elif compression == "zstd":
                _hash_zstd(path, digest, diff_id)
            else:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                diff_id = digest
    except (ValueError, zlib.error) as error:
        raise ValueError(f"layer {label}: {error}") from None
    return {
        "digest": "sha256:" + digest.hexdigest(),
        "diff_id": "sha256:" + diff_id.hexdigest(),
        "compression": compression,
        "size": os.stat(path).st_size,
        "history": {"created": EPOCH, "created_by": f"bazel build {label}"},
    }


def main(arguments: list[str]) -> None:
    """`descriptor LAYER OUTPUT LABEL`: write the layer's description as JSON."""
    path, output, label = arguments
    layout.write(output, layout.dump(describe(path, label)) + b"\n")
