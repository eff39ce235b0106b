"""What an image is called in an engine."""

from .layout import Image


def tagged(name: str, image: Image) -> str:
    """The same repository with a tag that follows from the manifest's digest.

    Kubernetes does not notice a new image under an old tag, and a loaded image has no registry that
    could have given it a digest to be pulled by. Such a tag never means two images.
    """
    return f"{repository(name)}:sha256-{image.manifest.digest.removeprefix('sha256:')[:16]}"


def repository(name: str) -> str:
    """`shop/app:latest` → `shop/app`."""
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.partition(":")[0]


def complete(name: str) -> str:
    """`app:latest` → `docker.io/library/app:latest`, as Docker and Kubernetes understand it."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    if "." in first or ":" in first or first == "localhost":
        return name
    return f"docker.io/{name}"
