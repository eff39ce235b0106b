"""Reads an OCI image layout (image-spec, "Image Layout") as a consumer would."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PLATFORMS = ("linux_amd64", "linux_arm64")
# The mirror bases: the default Python's are called as their platforms are.
BASES = (
    *PLATFORMS,
    *(f"python_{python}_{platform}" for python in ("3_11", "3_14") for platform in PLATFORMS),
)


def python_of(base: str) -> str:
    """The Python of a mirror base, such as "3.14"."""
    return ".".join(base.split("_")[1:3]) if base.startswith("python_") else "3.13"


def cpu_of(base: str) -> str:
    """Debian's name of a mirror base's CPU."""
    return base.rpartition("_")[2]


class Layout:
    """The image in a layout directory; every blob is checked against its digest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        index = json.loads((path / "index.json").read_bytes())
        self.manifest: dict[str, Any] = json.loads(self.blob(index["manifests"][0]["digest"]))
        self.config: dict[str, Any] = json.loads(self.blob(self.manifest["config"]["digest"]))
        self._tars: list[tarfile.TarFile] = []
        self._files: dict[str, tuple[tarfile.TarFile, tarfile.TarInfo]] = {}

    def blob(self, digest: str) -> bytes:
        algorithm, _, expected = digest.partition(":")
        content = (self._path / "blobs" / algorithm / expected).read_bytes()
        assert hashlib.new(algorithm, content).hexdigest() == expected
        return content

    def layers(self) -> list[tarfile.TarFile]:
        """The layers as archives, in order; each is checked against its diff id."""
        if not self._tars:
            blobs = [self.blob(layer["digest"]) for layer in self.manifest["layers"]]
            layers = [gzip.decompress(blob) if blob[:2] == _GZIP else blob for blob in blobs]
            diff_ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
            assert diff_ids == self.config["rootfs"]["diff_ids"]
            files = [io.BytesIO(layer) for layer in layers]
            self._tars = [tarfile.open(fileobj=file) for file in files]  # noqa: SIM115  in memory
            for member in self.members():
                # As some tools that make bases write them.
                member.name = member.name.removeprefix("./")
        return self._tars

    def members(self) -> Iterator[tarfile.TarInfo]:
        """Every entry of every layer, in order."""
        for layer in self.layers():
            yield from layer.getmembers()

    def files(self) -> dict[str, tarfile.TarInfo]:
        """Path relative to `/` → entry, of all that a container sees: whiteouts are applied."""
        return {path: member for path, (_, member) in self._seen().items()}

    def read(self, path: str) -> bytes:
        """The content of a file by its path relative to `/`; links are not followed."""
        if path not in self._seen():
            raise FileNotFoundError(path)
        layer, member = self._seen()[path]
        content = layer.extractfile(member)
        assert content is not None
        return content.read()

    def _seen(self) -> dict[str, tuple[tarfile.TarFile, tarfile.TarInfo]]:
        if not self._files:
            for layer in self.layers():
                self._apply(layer)
        return self._files

    def _apply(self, layer: tarfile.TarFile) -> None:
        """Adds a layer's entries to those below; whiteouts hide these alone, never their own."""
        added = {member.name: (layer, member) for member in layer.getmembers()}
        gone, below = set(), []
        for name, (_, member) in list(added.items()):
            folder, slash, last = name.rpartition("/")
            if last == _OPAQUE:
                below.append(folder + slash)
            elif last.startswith(_WHITEOUT):
                hidden = folder + slash + last.removeprefix(_WHITEOUT)
                gone.add(hidden)
                below.append(hidden + "/")
            else:
                if name in self._files and not member.isdir():
                    below.append(name + "/")
                continue
            del added[name]
        if below:
            self._files = {
                path: entry
                for path, entry in self._files.items()
                if path not in gone and not path.startswith(tuple(below))
            }
        self._files |= added

    def unpack(self, folder: Path) -> None:
        """Applies all layers to `folder`, as an engine would (image-spec, "Applying Changesets").

        Raises:
            AssertionError: an entry would come to lie outside of `folder`.
        """
        for layer in self.layers():
            members = layer.getmembers()
            # A whiteout hides what lower layers have, never what its own layer brings.
            for member in members:
                for path in _hidden(folder / member.name):
                    _remove(path)
            for member in members:
                target = folder / member.name
                if target.name.startswith(_WHITEOUT):
                    continue
                assert target.parent.resolve().is_relative_to(folder.resolve()), member.name
                if not (member.isdir() and target.is_dir() and not target.is_symlink()):
                    _remove(target)
                layer.extract(member, folder, filter="fully_trusted")


_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_GZIP = b"\x1f\x8b"


def _hidden(path: Path) -> list[Path]:
    """What an entry with this path hides, if it is a whiteout."""
    if path.name == _OPAQUE:
        return list(path.parent.glob("*"))
    if path.name.startswith(_WHITEOUT):
        return [path.with_name(path.name.removeprefix(_WHITEOUT))]
    return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def base(name: str) -> Layout:
    """The mirror base with this name, one of `BASES`, from the test's runfiles."""
    return Layout(Path("image/base/debian") / name)


# Hundreds of files alike: the listing has one line for what lies below.
_SUMMARISED = ("usr/lib/python3.13/", "usr/share/zoneinfo/")
_TYPES = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "dir", tarfile.SYMTYPE: "link"}


def listing(layout: Layout) -> str:
    """What is in the image as an mtree(5) specification, sorted by path, without file sizes."""
    lines = set()
    for member in layout.members():
        path = member.name
        for folder in _SUMMARISED:
            if path.startswith(folder) and "/lib-dynload/" not in path:
                path = folder + "*"
        line = f"./{path} type={_TYPES[member.type]} uid={member.uid} gid={member.gid}"
        if not member.issym():
            line += f" mode={member.mode:04o}"
        elif path == member.name:
            line += f" link={member.linkname}"
        lines.add(line)
    return "#mtree\n" + "\n".join(sorted(lines)) + "\n"
