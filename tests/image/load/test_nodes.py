"""What travels to containerd, here and on a Minikube node."""

import tarfile
from pathlib import Path

import pytest
from load.containerd import Containerd
from load.errors import LoadError
from load.minikube import _Node

from tests.image.load import tiny


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`ctr` with a content store that is a file of digests; what it imports is kept."""
    folder = tmp_path / "programs"
    tiny.program(
        folder,
        "ctr",
        f"""case "$*" in
        *'content ls'*) cat {tmp_path}/known 2> /dev/null || true ;;
        *'images check'*) cat {tmp_path}/checked 2> /dev/null || true ;;
        *'images import -') cat > {tmp_path}/imported ;;
        *'images import '*) cat /dev/null; cp {tmp_path}/copied {tmp_path}/imported ;;
        esac""",
    )
    tiny.program(folder, "uname", "echo x86_64")
    tiny.program(folder, "sudo", 'exec "$@"')
    tiny.program(
        folder,
        "minikube",
        f"""case "$3" in
        ssh) shift 4; exec "$@" ;;
        cp) cp "$4" {tmp_path}/copied ;;
        esac""",
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("load.host._INSIDE", str(tmp_path / "not-inside"))
    return tmp_path


def _blobs(machine: Path) -> set[str]:
    with tarfile.open(machine / "imported") as tar:
        return {f"sha256:{name[13:]}" for name in tar.getnames() if name.startswith("blobs/")}


@pytest.mark.parametrize("engine", [Containerd(), _Node("minikube")])
def test_blobs_that_it_has_stay_here(machine: Path, tmp_path: Path, engine: Containerd) -> None:
    image = tiny.image(tmp_path / "image")
    (machine / "known").write_text(image.layers[0].digest + "\n")
    assert engine.load(image, ["app:latest"]) > 0
    assert _blobs(machine) == {blob.digest for blob in image.blobs} - {image.layers[0].digest}


@pytest.mark.parametrize(
    ("state", "imported"),
    [
        ("complete (4/4) 1 MiB/1 MiB true", False),
        ("complete (4/4) 1 MiB/1 MiB false", True),  # the disk was full when it was unpacked
        ("incomplete (3/4) 1 MiB/1 MiB true", True),
    ],
)
def test_an_image_that_is_there_whole_is_left_alone(
    machine: Path, tmp_path: Path, state: str, imported: bool
) -> None:
    image = tiny.image(tmp_path / "image")
    (machine / "known").write_text("".join(f"{blob.digest}\n" for blob in image.blobs))
    (machine / "checked").write_text(
        f"REF TYPE DIGEST STATUS SIZE UNPACKED\n"
        f"docker.io/library/app:latest manifest {image.manifest.digest} {state}\n"
    )
    assert Containerd().load(image, ["app:latest"]) == 0
    assert (machine / "imported").exists() == imported


def test_the_engines_reason_is_passed_on(machine: Path, tmp_path: Path) -> None:
    tiny.program(tmp_path / "programs", "ctr", "echo 'ctr: permission denied' >&2; exit 1")
    with pytest.raises(
        LoadError, match=r"^containerd did not take the image: ctr: permission denied"
    ):
        Containerd().load(tiny.image(tmp_path / "image"), ["app:latest"])
