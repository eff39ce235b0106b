"""Reads the image in an OCI image layout (OCI image specification 1.1, "Image Layout")."""

from __future__ import annotations

import json
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any

from bill.errors import BillError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


class Layout:
    """The one image of a layout.

    Attributes:
        path: the layout's directory.
        digest: of the image's manifest, `sha256:…`.
        manifest: the manifest.
        config: the config.
    """

    def __init__(self, path: Path) -> None:
        """Opens the layout.

        Raises:
            BillError: it isn't the layout of one image.
        """
        self.path = path
        try:
            descriptors = json.loads((path / "index.json").read_bytes())["manifests"]
            (descriptor,) = descriptors
            self.descriptor: dict[str, Any] = descriptor
            self.digest: str = descriptor["digest"]
            self.manifest: dict[str, Any] = json.loads(self._blob(self.digest).read_bytes())
            self.config: dict[str, Any] = json.loads(
                self._blob(self.manifest["config"]["digest"]).read_bytes()
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BillError(
                f"{path} isn't the OCI layout of one image: {type(error).__name__}: {error}"
            ) from error

    @property
    def platform(self) -> str:
        """Such as `linux/amd64`."""
        return f"{self.config['os']}/{self.config['architecture']}"

    @property
    def labels(self) -> dict[str, str]:
        """The config's labels."""
        return self.config.get("config", {}).get("Labels") or {}

    def members(self) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
        """Yields every entry of every layer, lowest layer first."""
        for layer in self.manifest["layers"]:
            try:
                with tarfile.open(self._blob(layer["digest"])) as tar:
                    for member in tar:
                        yield tar, member
            except (OSError, tarfile.TarError, EOFError) as error:
                raise BillError(
                    f"layer {layer['digest']} of {self.path} can't be read: {error}"
                ) from error

    def files(self, wanted: Callable[[str], bool]) -> dict[str, bytes]:
        """Returns the content of the files that a container of the image would see.

        Whiteouts are honoured; hard links and links to files are read where they lead, if that is
        wanted too.

        Args:
            wanted: whether to keep a path, relative to `/`.
        """
        found: dict[str, bytes] = {}
        links: dict[str, str] = {}
        for tar, member in self.members():
            path = member.name.removeprefix("./").rstrip("/")
            folder, name = posixpath.split(path)
            if name.startswith(_WHITEOUT):
                hidden = (
                    folder if name == _OPAQUE else posixpath.join(folder, name[len(_WHITEOUT) :])
                )
                for other in [*found, *links]:
                    if other == hidden or other.startswith(hidden + "/"):
                        found.pop(other, None)
                        links.pop(other, None)
            elif member.issym():
                links[path] = posixpath.normpath(
                    posixpath.join("/" + folder, member.linkname)
                ).lstrip("/")
            elif wanted(path) and (member.isreg() or member.islnk()):
                file = tar.extractfile(member)
                found[path] = file.read() if file else b""
        for path, target in links.items():
            for other, content in list(found.items()):
                if other == target or other.startswith(target + "/"):
                    found.setdefault(path + other.removeprefix(target), content)
        return found

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self.path / "blobs" / algorithm / value
