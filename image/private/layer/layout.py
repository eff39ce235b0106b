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
    try:
        return [_blob(layout, layer) for layer in _manifest(layout)["layers"]]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _no_layout(layout, error) from None


def environment(layout: str) -> dict[str, str]:
    """Returns the variables that the image's configuration sets.

    Raises:
        LayerError: it isn't a layout of one image.
    """
    try:
        settings = _read(_blob(layout, _manifest(layout)["config"])).get("config") or {}
        pairs = [variable.partition("=") for variable in settings.get("Env") or []]
        return {name: value for name, _, value in pairs}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _no_layout(layout, error) from None


def _manifest(layout: str) -> dict[str, Any]:
    try:
        manifests = _read(f"{layout}/index.json")["manifests"]
        if len(manifests) != 1:
            raise LayerError(
                f"{layout} holds {len(manifests)} images, not one; name one platform's"
            )
        manifest = _read(_blob(layout, manifests[0]))
        if "layers" not in manifest:
            raise LayerError(f"{layout} is an image index, not an image; name one platform's image")
        return manifest
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise _no_layout(layout, error) from None


def _blob(layout: str, descriptor: dict[str, str]) -> str:
    return f"{layout}/blobs/{descriptor['digest'].replace(':', '/', 1)}"


def _read(path: str) -> dict[str, Any]:
    import json

    with open(path, encoding="utf-8") as file:
        content: dict[str, Any] = json.load(file)
        return content


def _no_layout(layout: str, error: Exception) -> LayerError:
    return LayerError(f"{layout} is no OCI image layout: {error!r}")
