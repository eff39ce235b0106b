"""How each contestant builds, forgets what it built, and pushes: the same verbs for all of them."""

import shutil
from pathlib import Path
from typing import Protocol

from harness import base
from harness.measure import run
from harness.services import Docker, Podman


class Contestant(Protocol):
    """What the benchmark asks of Bazel and of each Dockerfile builder."""

    name: str
    folder: Path  # where the build command runs
    env: dict[str, str]
    build: str  # shell command

    def clean(self) -> None:
        """Forget every build result and keep the downloads."""

    def push(self, reference: str) -> str:
        """Return the shell command that pushes the built image to a registry on loopback."""

    def use(self, lock: "Lock") -> None:
        """Put this lock where the next build reads it."""

    def edit(self, line: str) -> None:
        """Append one line to the app's entry module."""


class Lock:
    """One resolution of the dependencies, in the form that each contestant reads."""

    def __init__(self, uv_lock: Path, requirements: Path) -> None:
        """Both files say the same: `uv.lock`, and its `uv export` with hashes."""
        self.uv_lock = uv_lock
        self.requirements = requirements


class _Edited:
    """Whoever builds from a folder with the app in it."""

    folder: Path

    def edit(self, line: str) -> None:
        """Append the line to app/main.py."""
        with (self.folder / "app/main.py").open("a") as file:
            file.write(line + "\n")


class Bazel(_Edited):
    """This repository, in a copy of the checkout."""

    name = "bazel"
    build = "tools/bazel build //image"

    def __init__(self, checkout: Path, folder: Path) -> None:
        """Copy what git tracks, and the mode that the checkout uses."""
        files = run(["git", "ls-files", "-z"], cwd=checkout).split("\0")
        for file in filter(None, files):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / file, target, follow_symlinks=False)
        if (checkout / "user.bazelrc").exists():
            shutil.copy2(checkout / "user.bazelrc", folder)
        self.folder = folder
        self.env: dict[str, str] = {}

    def bazel(self, *words: str) -> str:
        """Run tools/bazel in the copy."""
        return run(["tools/bazel", *words], cwd=self.folder)

    def clean(self) -> None:
        """Drop the output base and the server: everything but the download caches."""
        self.bazel("clean", "--expunge")

    def layout(self) -> Path:
        """Return the built image's OCI layout."""
        return self.folder / self.bazel("cquery", "--output=files", "//image").split()[-1]

    def push(self, reference: str) -> str:
        """Push the layout as it is; skopeo recompresses nothing."""
        layout = self.layout()
        return f"skopeo copy --quiet --dest-tls-verify=false 'oci:{layout}' docker://{reference}"

    def use(self, lock: Lock) -> None:
        """Replace uv.lock."""
        shutil.copyfile(lock.uv_lock, self.folder / "uv.lock")


class _Dockerfile(_Edited):
    """What the two builders of bench/Dockerfile share: the build context."""

    def __init__(self, checkout: Path, folder: Path, uv: Path) -> None:
        shutil.copytree(
            checkout / "app", folder / "app", ignore=shutil.ignore_patterns("BUILD.bazel", "__pycache__")
        )
        shutil.copyfile(Path(__file__).parent.parent / "Dockerfile", folder / "Dockerfile")
        shutil.copy2(uv, folder / "uv")
        shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", folder / "ca-certificates.crt")
        self.folder = folder

    def use(self, lock: Lock) -> None:
        """Replace requirements.txt."""
        shutil.copyfile(lock.requirements, self.folder / "requirements.txt")


class BuildKit(_Dockerfile):
    """bench/Dockerfile, built by the BuildKit inside a dockerd."""

    name = "buildkit"

    def __init__(self, checkout: Path, folder: Path, uv: Path, docker: Docker, base_tar: Path) -> None:
        """Import the base image into the engine."""
        super().__init__(checkout, folder, uv)
        self.docker = docker
        self.env = docker.env
        docker("import", "--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin", base_tar, base.NAME)
        self.build = (
            f"{docker.client} build --quiet --network host --build-arg BASE={base.NAME} --tag peer ."
        )

    def clean(self) -> None:
        """Drop every build result; the cache mount with uv's downloads is of another type and stays."""
        self.docker("builder", "prune", "--all", "--force", "--filter", "type=regular")

    def push(self, reference: str) -> str:
        """Tag and push; this is when Docker compresses the layers."""
        return f"{self.docker.client} tag peer {reference} && {self.docker.client} push --quiet {reference}"


class PodmanBuild(_Dockerfile):
    """bench/Dockerfile, built by podman."""

    name = "podman"

    def __init__(self, checkout: Path, folder: Path, uv: Path, podman: Podman, base_tar: Path) -> None:
        """Import the base image into the store."""
        super().__init__(checkout, folder, uv)
        self.podman = podman
        self.env = podman.env
        self._command = " ".join(podman.words)
        podman("import", "--change", "ENV PATH=/usr/local/bin:/usr/bin:/bin", base_tar, base.NAME)
        self.build = (
            f"{self._command} build --quiet --layers --network host"
            f" --build-arg BASE=localhost/{base.NAME} --tag peer ."
        )

    def clean(self) -> None:
        """Drop every image but the base; cache mounts live outside the store and stay."""
        for name in self.podman("images", "--all", "--quiet", "--filter", "reference=peer").split():
            self.podman("rmi", "--force", name)
        self.podman("image", "prune", "--force")

    def push(self, reference: str) -> str:
        """Push; podman compresses the layers now."""
        return f"{self._command} push --quiet --tls-verify=false peer docker://{reference}"
