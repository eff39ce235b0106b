"""`layer debs`: what of the packages gets into a layer, and what is made besides."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from layer import debs
from layer.errors import LayerError
from layer.options import Options

from tests.image.base.deb_files import control, deb, folder, link, member


def run(tmp_path: Path, *arguments: str) -> dict[str, tuple[str, bytes]]:
    """The layer that the arguments make: of each path, the mode (or link) and the content."""
    output = tmp_path / "layer.tar.gz"
    debs.run(Options(["--architecture=amd64", f"--output={output}", *arguments]))
    made = {}
    with tarfile.open(fileobj=io.BytesIO(output.read_bytes())) as tar:
        for entry in tar:
            content = tar.extractfile(entry) if entry.isreg() else None
            how = f"-> {entry.linkname}" if entry.issym() else f"{entry.mode:04o}"
            made[entry.name] = (how, content.read() if content else b"")
    return made


def test_only_what_a_server_needs_gets_in(tmp_path: Path) -> None:
    package = deb(
        tmp_path / "example.deb",
        folder("./tmp/", 0o1777),
        folder("./usr/include/"),
        member("./usr/bin/sh", mode=0o755),
        member("./usr/sbin/useradd", mode=0o4755),
        member("./usr/bin/python3.13", mode=0o755),
        member("./usr/lib/python3.13/os.py"),
        member("./usr/lib/python3.13/test/support/__init__.py"),
        member("./usr/lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so"),
        member("./usr/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so"),
        member("./usr/lib/x86_64-linux-gnu/libc.so.6"),
        member("./usr/lib/x86_64-linux-gnu/gconv/EBCDIC.so"),
        member("./usr/lib/systemd/system/x.service"),
        member("./usr/share/doc/example/copyright", b"free"),
        member("./usr/share/doc/example/changelog.gz"),
        member("./usr/share/doc/example/examples/copyright"),
        link("./usr/share/doc/example-data", "example"),
        member("./usr/share/man/man1/x.1.gz"),
        member("./usr/share/locale/de/LC_MESSAGES/x.mo"),
        member("./etc/services", b"https 443/tcp\n"),
        member("./etc/skel/.bashrc"),
    )
    layer = run(tmp_path, f"--deb={package}")
    assert [path for path in layer if path.partition("/")[0] != "var"] == [
        "etc",
        "etc/services",
        "tmp",
        "usr",
        "usr/bin",
        "usr/bin/python3.13",
        "usr/lib",
        "usr/lib/python3.13",
        "usr/lib/python3.13/lib-dynload",
        "usr/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so",
        "usr/lib/python3.13/os.py",
        "usr/lib/x86_64-linux-gnu",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/share",
        "usr/share/doc",
        "usr/share/doc/example",
        "usr/share/doc/example-data",
        "usr/share/doc/example/copyright",
    ]
    assert layer["tmp"][0] == "1777"


def test_merged_usr_before_debian_13(tmp_path: Path) -> None:
    """Its base-files has folders where an installer makes links."""
    base_files = deb(
        tmp_path / "base-files.deb",
        *(folder(f"./{name}/") for name in ("bin", "lib", "sbin", "usr/bin", "usr/sbin")),
        member("./usr/lib/os-release"),
        paragraph=control("base-files", "12.4"),
    )
    libc = deb(
        tmp_path / "libc6.deb",
        member("./lib/x86_64-linux-gnu/libc.so.6"),
        link("./lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
    )
    layer = run(tmp_path, f"--deb={base_files}", f"--deb={libc}")
    links = {path: how for path, (how, _) in layer.items() if "/" not in path and how[:2] == "->"}
    assert links == {name: f"-> usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}
    assert "usr/lib/x86_64-linux-gnu/libc.so.6" in layer
    assert "usr/lib64/ld-linux-x86-64.so.2" in layer
    # Another CPU's loader is in lib, and other layers have no links.
    assert "lib64" not in run(tmp_path, f"--deb={base_files}")
    assert "lib" not in run(tmp_path, f"--deb={libc}")


def test_scanners_find_the_package_and_its_files(tmp_path: Path) -> None:
    package = deb(
        tmp_path / "example.deb",
        member("./etc/services", b"https 443/tcp\n"),
        member("./usr/bin/sh", b"dropped", mode=0o755),
    )
    layer = run(tmp_path, f"--deb={package}")
    paragraph = layer["var/lib/dpkg/status.d/example"][1].decode()
    assert paragraph.splitlines()[:2] == ["Package: example", "Status: install ok installed"]
    assert paragraph.replace("Status: install ok installed\n", "") == control()
    digest = hashlib.md5(b"https 443/tcp\n", usedforsecurity=False).hexdigest()
    sums = layer["var/lib/dpkg/status.d/example.md5sums"][1].decode()
    assert sums == f"{digest}  etc/services\n"


def test_certificates_become_one_sorted_file(tmp_path: Path) -> None:
    package = deb(
        tmp_path / "ca-certificates.deb",
        member("./usr/share/ca-certificates/mozilla/b.crt", b"B\n"),
        member("./usr/share/ca-certificates/mozilla/a.crt", b"A"),
        member("./usr/share/ca-certificates/mozilla/README", b"no certificate"),
    )
    layer = run(tmp_path, f"--deb={package}")
    assert layer["etc/ssl/certs/ca-certificates.crt"] == ("0644", b"A\nB\n")
    assert not [path for path in layer if path.startswith("usr/share/ca-certificates")]


def test_files_and_links_are_added(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_text("root:x:0:0\n")
    layer = run(
        tmp_path,
        f"--file=etc/passwd={tmp_path}/passwd",
        "--symlink=usr/local/bin/python3=python3.13",
    )
    assert layer["etc/passwd"] == ("0644", b"root:x:0:0\n")
    assert layer["usr/local/bin/python3"] == ("-> python3.13", b"")


def test_the_environment_names_pythons_version(tmp_path: Path) -> None:
    paragraph = control("python3.13-minimal", "3.13.5-2+deb13u5")
    package = deb(tmp_path / "python.deb", paragraph=paragraph)
    output = tmp_path / "env"
    arguments = ["--architecture=amd64", f"--deb={package}", "--variable=LANG=C.UTF-8"]
    debs.run(Options([*arguments, f"--environment={output}"]))
    assert output.read_text() == "LANG=C.UTF-8\nPYTHON_VERSION=3.13.5\n"


def test_an_environment_without_python(tmp_path: Path) -> None:
    arguments = ["--architecture=amd64", f"--environment={tmp_path}/env"]
    with pytest.raises(LayerError, match=r"no --deb is python3\.X-minimal"):
        debs.run(Options(arguments))


@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_a_setuid_program_is_refused(tmp_path: Path, mode: int) -> None:
    package = deb(tmp_path / "a.deb", member("./usr/lib/x86_64-linux-gnu/helper", mode=mode))
    with pytest.raises(LayerError) as refused:
        run(tmp_path, f"--deb={package}")
    assert f"helper of example is setuid or setgid ({mode:04o})" in str(refused.value)
    assert not (tmp_path / "layer.tar.gz").exists()


def test_a_package_for_another_cpu_is_refused(tmp_path: Path) -> None:
    package = deb(tmp_path / "a.deb", paragraph=control(architecture="arm64"))
    with pytest.raises(LayerError, match=r"a\.deb is for arm64, but the layer for amd64"):
        run(tmp_path, f"--deb={package}")


def test_two_packages_with_one_path_are_refused(tmp_path: Path) -> None:
    one = deb(tmp_path / "1.deb", member("./etc/x", b"1"), paragraph=control("one"))
    two = deb(tmp_path / "2.deb", member("./etc/x", b"2"), paragraph=control("two"))
    with pytest.raises(LayerError, match="two sources for one path, /etc/x: one and two"):
        run(tmp_path, f"--deb={one}", f"--deb={two}")


def test_a_file_behind_another_packages_link_is_refused(tmp_path: Path) -> None:
    one = deb(tmp_path / "1.deb", link("./etc/x", "/root"), paragraph=control("one"))
    two = deb(tmp_path / "2.deb", member("./etc/x/.profile"), paragraph=control("two"))
    with pytest.raises(LayerError, match=r"/etc/x is a symlink \(one\), but two needs a directory"):
        run(tmp_path, f"--deb={one}", f"--deb={two}")


def test_an_option_of_the_wrong_form(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="'etc/passwd' isn't of the form PATH=VALUE"):
        run(tmp_path, "--file=etc/passwd")
