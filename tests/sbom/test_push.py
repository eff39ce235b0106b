"""`bazel run //image:push` pushes the index, and what accompanies each image as its referrers."""

import base64
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sbom.login import PASSWORD, USER, login
from tests.sbom.referrers import with_referrers

PLATFORMS = ("linux_amd64", "linux_arm64")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@contextlib.contextmanager
def empty_registry() -> Iterator[str]:
    """Its address on the loopback."""
    crane = shutil.which("crane")
    if crane is None:
        pytest.fail("crane is not on PATH: nothing was pushed")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    address = f"127.0.0.1:{port}"
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", address],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"crane's registry does not answer at {address}")
        yield address
        server.terminate()


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with empty_registry() as address:
        yield address


def push(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [os.environ["PUSH"], *os.environ["PUSH_ARGUMENTS"].split(), *arguments],
        env=os.environ | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def get(registry: str, path: str) -> bytes:
    request = urllib.request.Request(
        f"http://{registry}/v2/{path}", headers={"Accept": f"{MANIFEST}, {INDEX}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  http
        content: bytes = answer.read()
    return content


def referrers(registry: str, repository: str, digest: str) -> list[dict[str, Any]]:
    """By the tag schema (distribution-spec 1.1): crane's registry hasn't the API."""
    with pytest.raises(urllib.error.HTTPError):
        get(registry, f"{repository}/referrers/{digest}")
    answer = get(registry, f"{repository}/manifests/{digest.replace(':', '-')}")
    found: list[dict[str, Any]] = json.loads(answer)["manifests"]
    return found


def digest(layout: str) -> str:
    found: str = json.loads(Path(layout, "index.json").read_bytes())["manifests"][0]["digest"]
    return found


def test_the_index_its_bills_and_provenance_are_pushed(registry: str) -> None:
    result = push("--repository", f"{registry}/shop", "--tag", "1.0")
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{registry}/shop@{digest('image/image_index')}\n"
    assert json.loads(get(registry, "shop/tags/list"))["tags"].count("1.0") == 1
    index = json.loads(get(registry, "shop/manifests/1.0"))
    images = [entry["digest"] for entry in index["manifests"]]
    assert images == [digest(f"image/image_{platform}") for platform in PLATFORMS]
    for platform, image in zip(PLATFORMS, images, strict=True):
        sources = {
            "application/vnd.cyclonedx+json": f"image/image_sbom_{platform}.cdx.json",
            "application/spdx+json": f"image/image_sbom_{platform}.spdx.json",
            "application/vnd.in-toto+json": f"image/image_provenance_{platform}.intoto.json",
        }
        found = {entry["artifactType"]: entry for entry in referrers(registry, "shop", image)}
        assert set(found) == set(sources)
        for kind, source in sources.items():
            manifest = json.loads(get(registry, f"shop/manifests/{found[kind]['digest']}"))
            assert manifest["subject"]["digest"] == image
            layer = manifest["layers"][0]
            assert get(registry, f"shop/blobs/{layer['digest']}") == Path(source).read_bytes()


def test_a_registry_with_the_api_needs_no_tag(registry: str) -> None:
    """distribution-spec 1.1, "Listing Referrers"; here with the bills alone."""
    words = os.environ["PUSH_ARGUMENTS"].split()
    pushes = [word.partition("=")[2] for word in words if word.startswith("--referrer=")]
    image = digest("image/image_linux_amd64")
    with with_referrers(registry) as new:
        for one in pushes:
            if "provenance" not in one and "linux_amd64" in one:
                command = [one, "--repository", f"{new}/new"]
                subprocess.run(command, check=True, capture_output=True)
        index = json.loads(get(new, f"new/referrers/{image}"))
        for entry in index["manifests"]:
            assert json.loads(get(new, f"new/manifests/{entry['digest']}"))["layers"]
        with pytest.raises(urllib.error.HTTPError):
            get(new, f"new/manifests/{image.replace(':', '-')}")
    assert sorted(entry["artifactType"] for entry in index["manifests"]) == [
        "application/spdx+json",
        "application/vnd.cyclonedx+json",
    ]


def test_pushing_again_changes_nothing(registry: str) -> None:
    for _ in range(2):
        assert push("--repository", f"{registry}/twice", "--tag", "x").returncode == 0
    image = digest("image/image_linux_amd64")
    assert len(referrers(registry, "twice", image)) == 3


def test_help_is_of_what_a_user_may_say() -> None:
    result = push("--repository", "127.0.0.1:9/shop", "--help")
    assert result.returncode == 0
    assert "    --key FILE  " in result.stdout
    assert "--referrer" not in result.stdout


def test_a_registry_that_is_not_there_is_one_error() -> None:
    result = push("--repository", "127.0.0.1:9/shop")
    assert result.returncode == 1
    # The file that `oci_push` makes has the target's name in its own.
    assert re.search(r"^ERROR: \S*image_push_image\S* ended with exit code", result.stderr, re.M)
    assert "nothing after it was pushed" in result.stderr


def _logged_in(folder: Path, address: str, password: str) -> dict[str, str]:
    """Docker's configuration after `docker login`."""
    words = base64.b64encode(f"{USER}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {address: {"auth": words}}}))
    return {"DOCKER_CONFIG": str(folder)}


def test_dockers_login_is_used_and_only_what_is_missing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with empty_registry() as registry, login(registry) as door:
        for name, value in _logged_in(tmp_path, door.address, PASSWORD).items():
            monkeypatch.setenv(name, value)
        for uploads in (True, False):
            door.passed.clear()
            result = push("--repository", f"{door.address}/private", "--tag", "1.0")
            assert result.returncode == 0, result.stderr
            assert PASSWORD not in result.stdout + result.stderr
            assert bool({"POST", "PATCH"} & set(door.passed)) == uploads


def test_a_login_that_is_refused(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with login(registry) as door:
        for name, value in _logged_in(tmp_path, door.address, "fake-and-wrong").items():
            monkeypatch.setenv(name, value)
        result = push("--repository", f"{door.address}/private")
        assert result.returncode == 1
        assert "401 Unauthorized" in result.stderr
        assert "fake-and-wrong" not in result.stderr
        assert door.passed == []


def test_without_cosign_a_wanted_signature_is_an_error(registry: str, tmp_path: Path) -> None:
    # Everything that is on PATH but cosign.
    for folder in reversed(os.environ["PATH"].split(":")):
        for program in Path(folder).glob("*") if Path(folder).is_dir() else ():
            with contextlib.suppress(FileExistsError):
                if program.name != "cosign":
                    (tmp_path / program.name).symlink_to(program)
    result = push("--repository", f"{registry}/plain", "--key", "x.key", path=str(tmp_path))
    assert result.returncode == 1
    assert "is pushed but not signed: cosign isn't on PATH" in result.stderr


def test_a_signature_is_verified_and_another_keys_is_not(registry: str, tmp_path: Path) -> None:
    cosign = shutil.which("cosign")
    if cosign is None:
        pytest.skip("cosign is not on PATH: signing was NOT tested")
    environment = os.environ | {"COSIGN_PASSWORD": "not-a-secret", "HOME": str(tmp_path)}
    for name in ("ours", "theirs"):
        subprocess.run(
            [cosign, "generate-key-pair", "--output-key-prefix", name],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
        )
    os.environ.update(environment)
    result = push("--repository", f"{registry}/signed", "--key", str(tmp_path / "ours.key"))
    assert result.returncode == 0, result.stderr
    for name, code in (("ours", 0), ("theirs", 1)):
        for signed in ("image/image_index", "image/image_linux_arm64"):
            verified = subprocess.run(
                [
                    cosign,
                    "verify",
                    f"--key={tmp_path / name}.pub",
                    "--insecure-ignore-tlog=true",
                    "--allow-http-registry",
                    f"{registry}/signed@{digest(signed)}",
                ],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert bool(verified.returncode) == bool(code), verified.stderr
