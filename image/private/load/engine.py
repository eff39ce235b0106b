"""What every engine offers to the command line."""

from collections.abc import Sequence
from typing import Protocol

from .errors import LoadError
from .layout import Image


class Engine(Protocol):
    """A place that runs containers."""

    name: str
    """For people: `Docker at unix:///run/docker.sock`."""

    def load(self, image: Image, names: Sequence[str]) -> int:
        """Makes the image known under these names.

        Returns:
            Bytes that were sent; 0 if nothing had to be.

        Raises:
            LoadError: it can't.
        """
        ...


def refused(engine: str, reason: str) -> LoadError:
    """The error for an engine's own message, with what to do where that is known."""
    lines = [line.strip() for line in reason.splitlines() if line.strip()]
    text = lines[-1] if lines else "it gave no reason"
    if "no space left" in reason.lower():
        text += "; free disk space there (docker system prune, podman image prune) and load again"
    elif "dial unix" in text and "permission denied" in text:
        text += "; run as root"
    return LoadError(f"{engine} did not take the image: {text}")


def check_platform(engine: str, image: Image, architecture: str) -> None:
    """Raises LoadError where the engine runs on another CPU than the image is for."""
    spelling = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = spelling.get(architecture, architecture)
    if machine and image.platform != f"linux/{machine}":
        raise LoadError(
            f"the image is for {image.platform} and {engine} runs linux/{machine}: "
            f"load //image:image_linux_{machine}_load instead"
        )
