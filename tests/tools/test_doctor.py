"""What `tools/bazel --doctor` finds, and what it calls wrong."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontdoor import doctor, proxies

from tests.tools.archive import MIRROR, Archive
from tests.tools.machine import Machine

# A request's path and its Authorization.
Asked = tuple[str, str | None]


@pytest.fixture
def asked() -> list[Asked]:
    """What the mirror was asked for."""
    return []


@pytest.fixture
def mirror(tmp_path: Path, asked: list[Asked]) -> Iterator[str]:
    """The address of a Debian mirror on loopback that has an InRelease file, and nothing else."""
    release = tmp_path / "served/dists/forky/InRelease"
    release.parent.mkdir(parents=True)
    release.touch()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "served"))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            if self.path.startswith("/closed/"):
                self.send_error(401)
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


def examine(machine: Machine, code: int, **environment: str) -> dict[str, list[str]]:
    """The lines of the report, by their names."""
    done = machine.run("--doctor", cwd=None, **environment)
    assert (done.returncode, done.stderr) == (code, ""), done
    report: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        name, _, text = line.partition(":")
        report.setdefault(name, []).append(text.strip())
    return report


def test_a_machine_in_order(archive: Archive, mirror: str) -> None:
    archive.run()
    stages = archive.stages()
    report = examine(archive.machine, 0, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror)
    assert report["mode"] == ["mirror, kept in user.bazelrc"]
    assert report["Bazel"][0].startswith(f"7.7.1, Debian forky's, in {archive.machine.cache}/forky")
    assert report[".bazelversion"] == ["7.7.1"]
    assert report["Debian mirror"] == [f"{mirror} (from FASTAPI_IMAGE_DEBIAN_MIRROR), answers"]
    assert report["cache"][0].startswith(f"{archive.machine.cache}, ")
    assert "wrong" not in report
    assert archive.stages() == stages


def test_nothing_is_set_up_yet(archive: Archive, mirror: str) -> None:
    report = examine(archive.machine, 0, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror)
    assert report["Bazel"] == ["Debian forky's, to be set up by the first command"]
    assert archive.stages() == []
    assert not archive.machine.cache.exists()


def test_no_secret_is_shown(archive: Archive, mirror: str, tmp_path: Path) -> None:
    secret = "hunter2"
    pip = archive.machine.home / ".config/pip/pip.conf"
    pip.parent.mkdir(parents=True)
    pip.write_text(
        f"[global]\nextra-index-url = https://u:{secret}@e.example/simple https://f.example\n"
    )
    done = archive.machine.run(
        "--doctor",
        FASTAPI_IMAGE_DEBIAN_MIRROR=mirror.replace("http://", f"http://u:{secret}@"),
        UV_DEFAULT_INDEX=f"https://token{secret}@uv.example/simple",
        https_proxy=f"http://u:{secret}@proxy.example:3128",
        no_proxy="127.0.0.1",
    )
    assert secret not in done.stdout + done.stderr
    assert "package index: UV_DEFAULT_INDEX=https://uv.example/simple\n" in done.stdout
    assert "pip's extra-index-url: https://e.example/simple https://f.example\n" in done.stdout
    assert "https_proxy=http://proxy.example:3128\n" in done.stdout


def test_pips_index_that_uv_gets(archive: Archive, mirror: str) -> None:
    report = examine(
        archive.machine,
        0,
        FASTAPI_IMAGE_DEBIAN_MIRROR=mirror,
        PIP_INDEX_URL="https://u:p@pypi.example/simple",
    )
    assert report["package index"] == [
        "pip's index-url: https://pypi.example/simple",
        "UV_DEFAULT_INDEX is set from pip's index-url: https://pypi.example/simple",
    ]


def test_a_mirror_that_does_not_answer(archive: Archive) -> None:
    address = "http://127.0.0.1:9"
    report = examine(archive.machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR=address)
    assert report["wrong"][0].startswith(f"the Debian mirror {address} does not answer for forky (")


def test_a_mirror_that_is_no_address(archive: Archive) -> None:
    report = examine(archive.machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR="nonsense")
    assert report["wrong"] == [
        "nonsense (from FASTAPI_IMAGE_DEBIAN_MIRROR) is no address:"
        " https://mirror.example/debian would be one"
    ]


def test_a_login_in_the_address_is_used_and_not_shown(
    archive: Archive, mirror: str, asked: list[Asked]
) -> None:
    address = mirror.replace("http://", "http://reader:hunter%402@")
    report = examine(archive.machine, 0, FASTAPI_IMAGE_DEBIAN_MIRROR=address)
    assert report["Debian mirror"] == [f"{mirror} (from FASTAPI_IMAGE_DEBIAN_MIRROR), answers"]
    assert asked == [("/dists/forky/InRelease", "Basic cmVhZGVyOmh1bnRlckAy")]
    # Without a port, urllib would take the password for one and say so.
    address = "http://reader:hunter2@debian.invalid/debian"
    report = examine(archive.machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR=address)
    assert "hunter2" not in str(report)
    assert report["wrong"][0].startswith("the Debian mirror http://debian.invalid/debian does not")


def test_a_mirror_whose_login_only_apt_has(archive: Archive, mirror: str) -> None:
    report = examine(archive.machine, 0, FASTAPI_IMAGE_DEBIAN_MIRROR=f"{mirror}/closed")
    assert report["Debian mirror"][0].endswith(
        ", answers and wants a login, which apt is asked for"
    )


def test_a_proxy_that_only_apt_knows(
    monkeypatch: pytest.MonkeyPatch, mirror: str, asked: list[Asked]
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(proxies, "from_apt", lambda: {"http_proxy": mirror})
    monkeypatch.setenv("FASTAPI_IMAGE_DEBIAN_MIRROR", "http://debian.invalid/debian")
    wrong: list[str] = []
    doctor._debian(wrong)
    assert asked == [("http://debian.invalid/debian/dists/forky/InRelease", None)]


def test_a_machine_without_apt(machine: Machine, mirror: str) -> None:
    machine.user_bazelrc.write_text("common --config=mirror\n")
    machine.only("sh", "tar")
    report = examine(machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror)
    assert "this machine has no apt-get, apt-config, dpkg-deb" in report["wrong"][0]


def test_a_bundle_that_is_not_there(archive: Archive, mirror: str) -> None:
    report = examine(
        archive.machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror, SSL_CERT_FILE="/no/bundle.pem"
    )
    assert report["wrong"] == [
        "SSL_CERT_FILE names /no/bundle.pem, which is not there: unset or correct it"
    ]


def test_another_bazel_than_wanted_and_no_sandbox(archive: Archive, mirror: str) -> None:
    archive.run()
    (archive.machine.checkout / ".bazelversion").write_text("7.9.9\n")
    sandbox = archive.tree / "usr/share/bazel/linux-sandbox"
    sandbox.write_text("#!/bin/sh\nexit 1\n")
    report = examine(archive.machine, 1, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror)
    assert "has Bazel 7.7.1 and .bazelversion says 7.9.9" in report["wrong"][0]
    assert "linux-sandbox can't work here" in report["wrong"][1]


def test_root_file_systems_of_other_versions(archive: Archive, mirror: str) -> None:
    old = archive.machine.cache / "forky-amd64-00000000"
    old.mkdir(parents=True)
    (old / "made").write_text("bazel 7.0.0\nmade 1-1\ntook 1\n")
    report = examine(archive.machine, 0, FASTAPI_IMAGE_DEBIAN_MIRROR=mirror)
    assert report["cache"][0].endswith("of other versions, can be removed: forky-amd64-00000000")


def test_hub_with_bazelisk_from_npm(machine: Machine) -> None:
    machine.user_bazelrc.write_text("common --config=hub\n")
    machine.program("npm", "exit 1")
    machine.program("node", "exit 1")
    machine.path = str(machine.programs)
    # Whether the open internet answers, too, decides on the exit code.
    before = machine.run("--doctor").stdout
    assert "Bazelisk from npm, by the first command\n" in before
    assert "no bazelisk, bazel or npm" not in before
    for cpu in ("amd64", "arm64"):
        binary = f"bazelisk-1.28.1/node_modules/@bazel/bazelisk/bazelisk-linux_{cpu}"
        (machine.cache / binary).parent.mkdir(parents=True, exist_ok=True)
        (machine.cache / binary).touch()
    assert f"Bazel:         {machine.cache}/bazelisk-1.28.1/" in machine.run("--doctor").stdout


def test_hub_without_bazel(machine: Machine) -> None:
    machine.user_bazelrc.write_text("common --config=hub\n")
    machine.path = str(machine.programs)
    assert "no bazelisk, bazel or npm on PATH: install Bazelisk" in machine.run("--doctor").stdout


def test_hub_with_a_real_bazel(machine: Machine) -> None:
    machine.user_bazelrc.write_text("common --config=hub\n")
    report = examine(machine, 0, BAZEL_REAL="/opt/bazel", MIRROR=MIRROR)
    assert report["Bazel"] == ["/opt/bazel, chosen by Bazelisk"]
