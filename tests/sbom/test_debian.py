"""Reading Debian's package database."""

from bill import debian

STATUS = b"""\
Package: libone
Status: install ok installed
Architecture: amd64
Version: 1:1.0-1
Source: one (1:1.0)
Provides: virtual (= 2)
Depends: libtwo (>= 3) | libtwo-alt, libc6:any
Description: one
 Package: not-a-package

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1
"""

COMMON = "Version: 1\nArchitecture: all\n"


def test_reads_dpkg_status_without_removed_packages() -> None:
    (package,) = debian.packages({"var/lib/dpkg/status": STATUS})
    assert (package.name, package.version) == ("libone", "1:1.0-1")
    assert package.source == "one@1:1.0"
    assert package.provides == ("virtual",)
    assert package.depends == ("libc6", "libtwo", "libtwo-alt")


def test_reads_status_d_as_distroless_images_have_it() -> None:
    files = {
        f"var/lib/dpkg/status.d/{name}": f"Package: {name}\n{COMMON}".encode()
        for name in ("b", "a")
    }
    assert [package.name for package in debian.packages(files)] == ["a", "b"]


def test_licences_are_a_machine_readable_copyrights_and_never_guessed_from_prose() -> None:
    files = {
        "var/lib/dpkg/status": b"Package: a\nVersion: 1\nArchitecture: all\n",
        "usr/share/doc/a/copyright": b"Format: x\n\nLicense: GPL-2+\n text\n\nLicense: MIT\n",
    }
    assert debian.packages(files)[0].licences == ("GPL-2+", "MIT")
    files["usr/share/doc/a/copyright"] = b"One file is under /usr/share/common-licenses/GPL-2."
    assert debian.packages(files)[0].licences == ("see /usr/share/doc/a/copyright",)
    del files["usr/share/doc/a/copyright"]
    assert debian.packages(files)[0].licences == ()


def test_release() -> None:
    assert debian.release({"etc/os-release": b'ID=debian\nVERSION_ID="13"\n'}) == "debian-13"
    assert debian.release({}) == ""
