"""What travels to Docker, and what is said when it doesn't."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from load.docker import Docker
from load.errors import LoadError

from tests.image.load import tiny
from tests.image.load.daemon import Daemon, serving

NAMES = ["app:latest", "app:sha256-0123"]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with serving(Daemon()) as running:
        yield running


def test_an_empty_engine_gets_everything(daemon: Daemon, tmp_path: Path) -> None:
    image = tiny.image(tmp_path / "image")
    assert Docker(daemon.endpoint).load(image, NAMES) > 0
    (files,) = daemon.archives
    assert layers(files) == [b"one", b"two"]
    assert b'"app:sha256-0123"' in files["manifest.json"]


def layers(files: dict[str, bytes]) -> list[bytes]:
    """An archive's layers, as its manifest names their files."""
    (document,) = json.loads(files["manifest.json"])
    return [files[name] for name in document["Layers"]]


def test_layers_that_it_knows_are_empty_files(daemon: Daemon, tmp_path: Path) -> None:
    image = tiny.image(tmp_path / "image", (b"one", b"two", b"three"))
    daemon.images = {"sha256:other": ["sha256:x"], "sha256:old": image.diff_ids[:2]}
    Docker(daemon.endpoint).load(image, NAMES)
    (files,) = daemon.archives
    assert layers(files) == [b"", b"", b"three"]


def test_a_layer_above_another_one_is_not_known(daemon: Daemon, tmp_path: Path) -> None:
    """Docker knows a layer by all below it."""
    image = tiny.image(tmp_path / "image")
    daemon.images = {"sha256:old": ["sha256:x", image.diff_ids[1]]}
    Docker(daemon.endpoint).load(image, NAMES)
    assert b"" not in daemon.archives[0].values()


def test_an_image_that_is_there_is_named_only(daemon: Daemon, tmp_path: Path) -> None:
    image = tiny.image(tmp_path / "image")
    daemon.images = {image.config.digest: image.diff_ids}
    assert Docker(daemon.endpoint).load(image, NAMES) == 0
    assert daemon.archives == []
    assert [path.partition("?")[2] for path in daemon.tagged] == [
        "repo=app&tag=latest",
        "repo=app&tag=sha256-0123",
    ]


def test_layers_that_went_away_meanwhile_are_sent(daemon: Daemon, tmp_path: Path) -> None:
    image = tiny.image(tmp_path / "image")
    daemon.images = {"sha256:old": image.diff_ids[:1]}
    daemon.fail_partial = True
    Docker(daemon.endpoint).load(image, NAMES)
    assert [layers(archive)[0] for archive in daemon.archives] == [b"", b"one"]


class TestContainerdsStore:
    """What Docker 29 keeps images in by default."""

    @pytest.fixture(autouse=True)
    def containerd(self, daemon: Daemon) -> None:
        daemon.containerd = True

    def test_blobs_of_known_layers_stay_here(self, daemon: Daemon, tmp_path: Path) -> None:
        image = tiny.image(tmp_path / "image", (b"one", b"two", b"three"))
        daemon.images = {"sha256:old": image.diff_ids[:2]}
        Docker(daemon.endpoint).load(image, NAMES)
        (files,) = daemon.archives
        blobs = {"sha256:" + name[13:] for name in files if name.startswith("blobs/")}
        assert blobs == {blob.digest for blob in image.blobs} - {
            layer.digest for layer in image.layers[:2]
        }
        assert b'"docker.io/library/app:latest"' in files["index.json"]

    def test_layers_that_are_compressed_otherwise_there_are_sent(
        self, daemon: Daemon, tmp_path: Path
    ) -> None:
        image = tiny.image(tmp_path / "image")
        daemon.images = {"sha256:old": image.diff_ids[:1]}
        daemon.fail_partial = True
        Docker(daemon.endpoint).load(image, NAMES)
        assert [len(archive) for archive in daemon.archives] == [5, 6]

    @pytest.mark.parametrize("whole", [True, False])
    def test_an_image_that_is_there_whole_is_named_only(
        self, daemon: Daemon, tmp_path: Path, whole: bool
    ) -> None:
        image = tiny.image(tmp_path / "image")
        daemon.images = {image.manifest.digest: image.diff_ids}
        daemon.whole = whole
        moved = Docker(daemon.endpoint).load(image, NAMES)
        assert (moved == 0) == whole
        tagged = {path.partition("/tag?")[0] for path in daemon.tagged}
        assert tagged == ({f"/images/{image.manifest.digest}"} if whole else set())


def test_a_full_disk_says_what_to_do(daemon: Daemon, tmp_path: Path) -> None:
    daemon.error = "write /layer.tar: no space left on device"
    with pytest.raises(LoadError, match=r"no space left on device; free disk space there"):
        Docker(daemon.endpoint).load(tiny.image(tmp_path / "image"), NAMES)


def test_another_cpu_is_said_before_anything_is_sent(daemon: Daemon, tmp_path: Path) -> None:
    daemon.architecture = "arm64"
    with pytest.raises(LoadError, match=r"is for linux/amd64 and Docker .* runs linux/arm64"):
        Docker(daemon.endpoint).load(tiny.image(tmp_path / "image"), NAMES)
    assert daemon.archives == []


def test_an_engine_that_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"does not answer \(No such file or directory\): start it"):
        Docker("unix:///no-such-folder/none.sock").load(tiny.image(tmp_path / "image"), NAMES)


def test_a_socket_of_others(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("load.docker._UnixConnection.connect", refuse)
    with pytest.raises(LoadError, match=r"can't be opened by this user: run as root, or join"):
        Docker(daemon.endpoint).load(tiny.image(tmp_path / "image"), NAMES)


def test_an_address_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"DOCKER_HOST=ssh://host: only unix:// and tcp://"):
        Docker("ssh://host").load(tiny.image(tmp_path / "image"), NAMES)
