"""podman: it reads the layout itself, and of that only the layers that its storage lacks."""

import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import host
from .engine import check_platform, refused
from .layout import Image


class Podman:
    """The podman of this machine and user."""

    name = "podman"

    def load(self, image: Image, names: Sequence[str]) -> int:
        check_platform(self.name, image, os.uname().machine)
        identifier = image.config.digest.removeprefix("sha256:")
        if self._exists(identifier):
            self._podman("tag", identifier, *names)
            return 0
        missing = self._missing(image)
        with _lower_case_path(image.layout) as layout:
            self._podman("pull", "--quiet", f"oci:{layout}")
        # The name that podman made up from the layout's path.
        self._podman("untag", identifier)
        self._podman("tag", identifier, *names)
        return missing

    def _missing(self, image: Image) -> int:
        """Bytes that its storage lacks: it reuses a layer where the chain below it is there too."""
        listed = json.loads(self._podman("image", "ls", "--format", "json") or "[]") or []
        best = 0
        if identifiers := list(dict.fromkeys(entry["Id"] for entry in listed)):
            for entry in json.loads(self._podman("image", "inspect", *identifiers)):
                common = 0
                for ours, theirs in zip(
                    image.diff_ids, entry["RootFS"]["Layers"] or [], strict=False
                ):
                    if ours != theirs:
                        break
                    common += 1
                best = max(best, common)
        return (
            image.config.size
            + image.manifest.size
            + sum(layer.size for layer in image.layers[best:])
        )

    def _exists(self, identifier: str) -> bool:
        return host.run(["podman", "image", "exists", identifier]).returncode == 0

    def _podman(self, *arguments: str) -> str:
        done = host.run(["podman", *arguments])
        if done.returncode:
            raise refused(f"podman {arguments[0]}", done.stderr.decode(errors="replace"))
        return done.stdout.decode()


@contextlib.contextmanager
def _lower_case_path(layout: Path) -> Iterator[Path]:
    """A link to the layout: podman makes a name of its path, and fails where that gives none."""
    # symlink() follows and replaces nothing.
    link = Path("/tmp") / f"load-{secrets.token_hex(8)}"  # noqa: S108
    link.symlink_to(layout.resolve())
    try:
        yield link
    finally:
        link.unlink()
