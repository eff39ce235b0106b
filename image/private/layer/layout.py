"""A base image as an OCI image layout: its layers, and what a layer takes away."""

from __future__ import annotations

from layer.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


def take_away(entries: dict[str, Any], path: str) -> bool:
    """Deletes from the layers below what the entry of this path says; False if it is no such entry.

    "Whiteouts" in the OCI image specification, layer.md.
    """
    folder, slash, name = path.rpartition("/")
    if not name.startswith(_WHITEOUT):
        return False
    gone = folder + slash
    if name != _OPAQUE:
        gone += name.removeprefix(_WHITEOUT) + "/"
    for old in [old for old in entries if f"{old}/".startswith(gone)]:
        del entries[old]
    return True


def layers(layout: str) -> list[str]:
    """Returns the paths of the layers' blobs, the lowest first.

    Raises:
        LayerError: it isn't a layout of one image.
    """
    import json

    def blob(descriptor: dict[str, str]) -> str:
        return f"{layout}/blobs/{descriptor['digest'].replace(':', '/', 1)}"

    try:
        with open(f"{layout}/index.json", encoding="utf-8") as file:
            manifests = json.load(file)["manifests"]
        if len(manifests) != 1:
            raise LayerError(
                f"{layout} holds {len(manifests)} images, not one; name one platform's"
            )
        with open(blob(manifests[0]), encoding="utf-8") as file:
            manifest = json.load(file)
        if "layers" not in manifest:
            raise LayerError(f"{layout} is an image index, not an image; name one platform's image")
        return [blob(layer) for layer in manifest["layers"]]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise LayerError(f"{layout} is no OCI image layout: {error!r}") from None
