"""The inside of mirror mode: what Bazel sees of the machine and of its configuration."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from frontdoor import namespace
from frontdoor.problem import Problem

from tests.tools.archive import MIRROR, Archive
from tests.tools.machine import Machine


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A machine on which mirror mode is set up."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    archive = Archive(machine)
    (machine.checkout / "registry/modules").mkdir(parents=True)
    (machine.home / "in-home").touch()
    machine.run("info", FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR)
    return archive


def seen(archive: Archive, *arguments: str, cwd: Path | None = None, **more: str) -> list[str]:
    """The lines that the Bazel inside prints."""
    more.setdefault("FASTAPI_IMAGE_DEBIAN_MIRROR", MIRROR)
    done = archive.machine.run(*arguments, cwd=cwd, **more)
    assert (done.returncode, done.stderr) == (7, "")
    return done.stdout.splitlines()


def test_arguments_and_working_folder(inside: Archive) -> None:
    folder = inside.machine.checkout / "app/deep er"
    folder.mkdir(parents=True)
    lines = seen(inside, "--batch", "build", "//a b:c", cwd=folder)
    assert f"cwd {folder}" in lines
    arguments = [line.removeprefix("argument ") for line in lines if line.startswith("argument ")]
    assert arguments[-3:] == ["--batch", "build", "//a b:c"]
    assert arguments[:2] == ["--nosystem_rc", "--install_base=/usr/share/bazel"]
    assert any(a.startswith("--host_jvm_args=-Djavax.net.ssl.trustStore=/") for a in arguments)


# Becomes the program in a root directory that is no mount of its own, as `chroot` does.
_IN_A_CHROOT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from frontdoor import namespace
cwd, disk = os.getcwd(), sys.argv[2]
namespace.appear_as_root()
namespace.mount("tmpfs", disk, "tmpfs", "")
for entry in list(os.scandir("/")):
    there = f"{disk}/root{entry.path}"
    os.makedirs(f"{disk}/root", exist_ok=True)
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), there)
    elif entry.is_dir():
        os.mkdir(there)
        namespace._mount(entry.path, there, namespace._MS_BIND | namespace._MS_REC)
os.chroot(f"{disk}/root")
os.chdir(cwd)
os.execv(sys.argv[3], sys.argv[3:])
"""


def test_in_a_chroot(inside: Archive, tmp_path: Path) -> None:
    """Bazel's client looks where its server is, and starts another where that is not its folder."""
    machine = inside.machine
    go_on = machine.home / "go-on-waiting"
    os.mkfifo(go_on)
    folders = (str(Path("tools").resolve()), str(tmp_path))
    command = [str(machine.checkout / "tools/bazel"), "waiting"]
    with subprocess.Popen(
        [sys.executable, "-c", _IN_A_CHROOT, *folders, *command],
        cwd=machine.checkout,
        env=machine.environment({"FASTAPI_IMAGE_DEBIAN_MIRROR": MIRROR}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        first = process.stdout.readline()
        seen = first and Path(f"/proc/{first.split()[1]}/cwd").readlink()
        if first:
            go_on.write_text("\n")
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (7, "")
    assert seen == machine.checkout
    assert "usr read-only" in output


def test_the_tree(inside: Archive) -> None:
    lines = seen(inside, "info")
    assert "own of the root file system" in lines
    assert "registry there" in lines
    assert "home there" in lines
    assert "usr read-only" in lines


def test_the_environment(inside: Archive) -> None:
    lines = seen(
        inside,
        "info",
        JAVA_HOME="/opt/java",
        LC_ALL="de_DE.UTF-8",
        PIP_INDEX_URL="https://pypi.example/simple",
    )
    assert "path /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" in lines
    assert "lang C.UTF-8" in lines
    assert "java " in lines
    assert f"mirror {MIRROR}" in lines
    assert "index https://pypi.example/simple" in lines
    assert "certificates /etc/ssl/certs/ca-certificates.crt" in lines


def test_the_trust_store_follows_the_bundle(inside: Archive) -> None:
    bundle = inside.machine.home / "corporate.pem"
    for content in ("first\n", "the second\n"):
        bundle.write_text(content)
        lines = seen(inside, "info", SSL_CERT_FILE=str(bundle))
        (store,) = inside.machine.cache.glob("trust-*")
        assert f"argument --host_jvm_args=-Djavax.net.ssl.trustStore={store}" in lines
        assert store.read_text() == content
        assert f"certificates {bundle}" in lines


def test_a_bundle_that_cannot_be_converted(inside: Archive) -> None:
    before = set(inside.machine.cache.glob("trust-*"))
    broken = inside.machine.home / "broken.pem"
    broken.write_text("broken")
    message = inside.error(SSL_CERT_FILE=str(broken))
    assert "broken.pem can't be made into a Java trust store (/usr/bin/openssl ended" in message
    assert set(inside.machine.cache.glob("trust-*")) == before


def test_bazel_is_the_process_that_the_user_started(inside: Archive) -> None:
    done = inside.machine.run("killed", FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR)
    assert done.returncode == -signal.SIGTERM


def test_a_root_file_system_with_a_part_removed(archive: Archive) -> None:
    assert archive.run().returncode == 7
    (tree,) = archive.machine.cache.glob("*/tree")
    shutil.rmtree(tree / "etc")
    message = archive.error()
    assert message.startswith("tools/bazel: the private root file system is damaged (")
    assert message.endswith(f"remove {tree.parent}, then run again; it is set up anew")
    # The same where what is missed is first missed by the making of the trust store.
    for store in archive.machine.cache.glob("trust-*"):
        store.unlink()
    assert archive.error() == message
    shutil.rmtree(tree.parent)
    assert archive.run().returncode == 7
    (tree / "usr/bin/bazel").unlink()
    assert "is damaged (/usr/bin/bazel: No such file or directory): remove" in archive.error()


def test_namespaces_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        @staticmethod
        def unshare(_: int) -> int:
            return -1

    monkeypatch.setattr(namespace, "_libc", Libc)
    with pytest.raises(Problem, match=r"forbids namespaces .*: allow them .* then run again$"):
        namespace.check()
