"""A Debian archive in a folder, and the programs of apt and dpkg as far as a set-up calls them.

A "package" is a tar file. Its programs are shell scripts, for which the shell of this machine is
copied into the tree: the private root file system has nothing else.
"""

import io
import re
import subprocess
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

from frontdoor import recipe

from tests.tools.machine import BAZEL_VERSION, Machine

MIRROR = "https://debian.example/debian"

# Shell builtins only.
_BAZEL = """#!/bin/sh
case "$*" in
*killed) kill -TERM $$ ;;
*waiting) echo "pid $$"; read -r line < "$HOME/go-on-waiting" ;;
esac
for argument; do echo "argument $argument"; done
echo "cwd $PWD"
echo "path $PATH"
echo "lang $LANG$LC_ALL"
echo "java $JAVA_HOME"
echo "mirror $FASTAPI_IMAGE_DEBIAN_MIRROR"
echo "index $UV_DEFAULT_INDEX"
echo "certificates $SSL_CERT_FILE"
[ -e /.fastapi_image/registry/modules ] && echo "registry there"
[ -e "$HOME/in-home" ] && echo "home there"
read -r line < /etc/own.conf && echo "own $line"
(: > /usr/written) 2> /dev/null || echo "usr read-only"
exit 7
"""
# Copies the certificates as they are, unless they are broken.
_OPENSSL = """#!/bin/sh
while [ $# -gt 1 ]; do
  [ "$1" = -in ] && from="$2"
  [ "$1" = -out ] && to="$2"
  shift
done
while read -r line; do echo "$line"; done < "$from" > "$to"
[ "$line" != broken ]
"""
# Reports that it got there, and waits, once, where a test wants to catch it: for `go_on()`.
_STAGE = """
stage() {
  [ "$1" = "$FAKE_STOP" ] && mkdir "$HOME/stopped" 2> /dev/null && stop=1
  echo "$1" >> "$HOME/stages"
  while [ -n "$stop" ] && [ ! -e "$HOME/go-on" ] && [ "$stop" -lt 300 ]; do
    sleep 0.1
    stop=$((stop + 1))
  done
  stop=
}
"""
_APT_GET = (
    _STAGE
    + """
packages="$(sed -n 's/^Dir::Cache::archives "\\(.*\\)";/\\1/p' "$APT_CONFIG")"
cp "$APT_CONFIG" "$HOME/apt.conf"
case "$*" in *"${FAKE_FAILS:-nothing}"*) cat "$HOME/apt-says"; exit 100 ;; esac
case "$*" in
update*) stage update ;;
*--print-uris*)
  stage plan
  cd "$HOME/archive"
  for name in *.deb; do echo "'x:/$name' $name $(wc -c < $name) SHA256:0"; done ;;
*--download-only*)
  for package in "$HOME"/archive/*.deb; do
    stage download
    cp "$package" "$packages/partial/"
    mv "$packages/partial/${package##*/}" "$packages/"
  done ;;
esac
"""
)
_APT_CONFIG = """
echo 'Acquire "";'
echo 'Acquire::http::Proxy "http://proxy.example:3128";'
echo 'Acquire::IndexTargets::deb::DEP-11::MetaKey "x";'
echo 'Dir::Etc::netrc "auth.conf";'
echo 'APT::Update::Post-Invoke:: "touch /hook";'
"""
_DPKG_DEB = (
    _STAGE
    + """
stage unpack
[ "$(head -c 7 "$2")" = damaged ] && { echo "$2 is no archive" >&2; exit 2; }
[ -n "$FAKE_FULL" ] && { echo "tar: write: No space left on device" >&2; exit 2; }
cat "$2"
"""
)


class Archive:
    """Installs fake apt programs on a machine; the packages lie in `<home>/archive`."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.home / "archive"
        self.folder.mkdir()
        machine.user_bazelrc.write_text("common --config=mirror\n")
        machine.program("apt-get", _APT_GET)
        machine.program("apt-config", _APT_CONFIG)
        machine.program("dpkg-deb", _DPKG_DEB)
        self._fill()

    def stages(self) -> list[str]:
        """What apt and dpkg were called for, in order."""
        path = self.machine.home / "stages"
        return path.read_text().split() if path.exists() else []

    def start(self, stop: str) -> subprocess.Popen[str]:
        """Starts a set-up and returns when it waits at that stage."""
        process = self.machine.start(
            "info", cwd=None, FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR, FAKE_STOP=stop
        )
        deadline = time.monotonic() + 30
        while stop not in self.stages():
            assert time.monotonic() < deadline, self.stages()
            time.sleep(0.02)
        return process

    def go_on(self) -> None:
        """Ends the waiting at a stage."""
        (self.machine.home / "go-on").touch()

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """A Bazel command, set-up included; the Bazel inside exits with 7."""
        return self.machine.run("info", cwd=None, FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR, **environment)

    def error(self, **environment: str) -> str:
        """The line that a set-up which must fail ends with."""
        return self.machine.error("info", FASTAPI_IMAGE_DEBIAN_MIRROR=MIRROR, **environment)

    def left(self) -> list[str]:
        """What lies in the cache folder, trust stores aside."""
        names = (entry.name for entry in self.machine.cache.iterdir())
        return sorted(name for name in names if not name.startswith("trust-"))

    @property
    def tree(self) -> Path:
        """The finished root file system."""
        return self.machine.cache / recipe.key() / "tree"

    def assert_whole(self) -> None:
        """There is a finished root file system and nothing half-made."""
        assert self.left() == [recipe.key(), "lock"]
        fillers = sorted((self.tree / "usr/share/filler").iterdir())
        assert [filler.stat().st_size for filler in fillers] == [100_000] * 4

    def package(self, name: str, files: Mapping[str, str | bytes]) -> Path:
        """Writes a package: path → content; a link where the content starts with "->"."""
        path = self.folder / f"{name}_1_all.deb"
        with tarfile.open(path, "w") as tar:
            # As in every Debian package, a folder comes before what is in it.
            folders = {str(parent) for file in files for parent in Path(file).parents}
            for folder in sorted(folders - {"."}):
                member = tarfile.TarInfo(f"./{folder}")
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(member)
            for file, content in files.items():
                member = tarfile.TarInfo(f"./{file}")
                data = content.encode() if isinstance(content, str) else content
                if data.startswith(b"->"):
                    member.type, member.linkname = tarfile.SYMTYPE, data[2:].decode()
                    data = b""
                member.mode, member.size = 0o4755, len(data)
                tar.addfile(member, io.BytesIO(data))
        return path

    def _fill(self) -> None:
        self.package(
            "base-files",
            {name: f"->usr/{name}" for name in ("bin", "lib", "lib64", "sbin")}
            | {"etc/own.conf": "of the root file system\n", "etc/passwd": "nobody"},
        )
        self.package(
            "bazel-bootstrap",
            {
                "usr/bin/bazel": _BAZEL,
                "usr/bin/openssl": _OPENSSL,
                "usr/bin/true": "#!/bin/sh\nexit 0\n",
                "usr/share/bazel/linux-sandbox": "#!/bin/sh\nexit 0\n",
                "usr/share/bazel/build-label.txt": BAZEL_VERSION + "\n",
                "usr/share/ca-certificates/mozilla/a.crt": "certificate a\n",
                "usr/share/ca-certificates/mozilla/b.crt": "certificate b\n",
                "usr/share/man/man1/bazel.1": "not unpacked",
                "etc/bazel/bazelrc": "not unpacked",
            },
        )
        self.package("dash", _shell())
        self.package("python3-minimal", {"usr/bin/python3": "->python3.99"})
        self.package(
            "python3.99",
            {
                # Tells which files it was asked to compile.
                "usr/bin/python3.99": (
                    '#!/bin/sh\nfor last; do echo "$*" >"$last/$$.compiled"; done\n'
                ),
                "usr/lib/python3.99/json/decoder.py": "",
                "usr/lib/python3/dist-packages/pip/__init__.py": "",
            },
        )
        for number in range(4):
            self.package(f"filler{number}", {f"usr/share/filler/{number}": "x" * 100_000})


def _shell() -> dict[str, str | bytes]:
    """This machine's shell and the libraries that it needs, at their paths."""
    maps = subprocess.run(
        ["/bin/sh", "-c", "cat /proc/$$/maps"], capture_output=True, text=True, check=True
    )
    paths = {
        *re.findall(r" (/\S+)$", maps.stdout, re.M),
        # By the name that is written in the program, too.
        *(str(path) for path in Path("/lib64").glob("ld-linux-*.so.*")),
        *(str(path) for path in Path("/lib").glob("ld-linux-*.so.*")),
        "/bin/sh",
    }
    files: dict[str, str | bytes] = {}
    for path in paths:
        folder = Path(path).parent.resolve()
        name = str(folder / Path(path).name).removeprefix("/")
        files[name if name.startswith("usr/") else f"usr/{name}"] = Path(path).read_bytes()
    return files
