"""How each contestant builds, forgets what it built, and pushes: the same verbs for all of them."""

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Protocol

from frontdoor import indexes

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

    def stop(self) -> None:
        """End what was started and take away what lies outside of the benchmark's folder."""


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
        for file in filter(None, run(["git", "ls-files", "-z"], cwd=checkout).split("\0")):
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

    def output_base(self) -> Path:
        """Return the folder with everything that Bazel keeps of this checkout."""
        return Path(self.bazel("info", "output_base").strip())

    def output(self, target: str, *options: str) -> Path:
        """Return the (last) file of a built target."""
        files = self.bazel("cquery", "--output=files", *options, target)
        return self.folder / files.split()[-1]

    def clean(self) -> None:
        """Drop the output base and the server: everything but the download caches."""
        self.bazel("clean", "--expunge")

    stop = clean

    def push(self, reference: str) -> str:
        """Push the layout as it is; skopeo recompresses nothing."""
        layout = self.output("//image")
        return f"skopeo copy --quiet --dest-tls-verify=false oci:{layout} docker://{reference}"

    def use(self, lock: Lock) -> None:
        """Replace uv.lock."""
        shutil.copyfile(lock.uv_lock, self.folder / "uv.lock")


class _Dockerfile(_Edited):
    """What the two builders of bench/Dockerfile share: the build context."""

    # Both builders know secrets: what is in them gets into no layer and no cache.
    _options = (
        f"--build-arg BASE={base.NAME} --network host"
        " --secret id=index.env,src=index.env --secret id=uv.toml,src=uv.toml"
    )

    def __init__(self, checkout: Path, folder: Path, uv: Path) -> None:
        unwanted = shutil.ignore_patterns("BUILD.bazel", "README.md", "__pycache__", "develop")
        shutil.copytree(checkout / "app", folder / "app", ignore=unwanted)
        shutil.copyfile(Path(__file__).parent.parent / "Dockerfile", folder / "Dockerfile")
        shutil.copy2(uv, folder / "uv")
        shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", folder / "ca-certificates.crt")
        # Secrets are outside of the context, or they could be copied.
        (folder / ".dockerignore").write_text("index.env\nuv.toml\n")
        variables, settings = _index(checkout)
        (folder / "index.env").write_text(variables)
        (folder / "uv.toml").write_text(settings)
        self.folder = folder

    def use(self, lock: Lock) -> None:
        """Replace requirements.txt."""
        shutil.copyfile(lock.requirements, self.folder / "requirements.txt")


def _index(checkout: Path) -> tuple[str, str]:
    """This machine's package index: shell assignments, and uv's settings."""
    kept = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", "UV_INSECURE_HOST")
    proxies = ("http_proxy", "https_proxy", "no_proxy")
    variables = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(kept) or name.lower() in proxies
    }
    variables |= indexes.uv_environment(str(checkout))
    files = indexes.uv_index_files(str(checkout))
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())]
    settings = Path(files[0]).read_text() if files else ""
    # BuildKit mounts no empty secret.
    note = "# from the settings of this machine\n"
    return note + "".join(lines), note + settings


class BuildKit(_Dockerfile):
    """bench/Dockerfile, built by the BuildKit inside a dockerd."""

    name = "buildkit"

    def __init__(
        self, checkout: Path, folder: Path, uv: Path, docker: Docker, base_tar: Path
    ) -> None:
        """Import the base image into the engine."""
        super().__init__(checkout, folder, uv)
        self.docker = docker
        self.env = docker.env
        docker("import", "--change", base.ENVIRONMENT, base_tar, base.NAME)
        self.build = f"{docker.client} build --quiet {self._options} --tag peer ."

    def clean(self) -> None:
        """Drop every build result; the cache mount with uv's downloads is of another type."""
        self.docker("builder", "prune", "--all", "--force", "--filter", "type=regular")

    def push(self, reference: str) -> str:
        """Tag and push; this is when Docker compresses the layers."""
        client = self.docker.client
        return f"{client} tag peer {reference} && {client} push --quiet {reference}"

    def stop(self) -> None:
        """Nothing: the daemon is stopped by whoever started it."""


class PodmanBuild(_Dockerfile):
    """bench/Dockerfile, built by podman."""

    name = "podman"

    def __init__(
        self, checkout: Path, folder: Path, uv: Path, podman: Podman, base_tar: Path
    ) -> None:
        """Import the base image into the store."""
        super().__init__(checkout, folder, uv)
        self.podman = podman
        self.env = podman.env
        self._command = " ".join(podman.words)
        podman("import", "--change", base.ENVIRONMENT, base_tar, base.NAME)
        self.build = f"{self._command} build --quiet --layers {self._options} --tag peer ."

    def clean(self) -> None:
        """Drop every image but the base; cache mounts live outside the store and stay."""
        listed = json.loads(self.podman("images", "--all", "--format", "json"))
        names = f"localhost/{base.NAME}"
        others = [each["Id"] for each in listed if names not in (each.get("Names") or ())]
        if others:
            self.podman("rmi", "--force", "--ignore", *others)

    def push(self, reference: str) -> str:
        """Push; podman compresses the layers now."""
        return f"{self._command} push --quiet --tls-verify=false peer docker://{reference}"

    def stop(self) -> None:
        """Empty the store."""
        self.podman.stop()
