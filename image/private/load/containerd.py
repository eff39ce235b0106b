"""containerd by `ctr`, on this machine or on a node that a command leads to."""

import subprocess
import tempfile
from collections.abc import Sequence

from . import archive, host
from .engine import check_platform, refused
from .layout import Image
from .names import complete

# Where the kubelet looks.
NAMESPACE = "k8s.io"


class Containerd:
    """containerd's content store and image list in the namespace of Kubernetes."""

    def __init__(self, name: str = "containerd", prefix: Sequence[str] = ()) -> None:
        """`prefix`: the command that runs `ctr` where containerd is: `docker exec -i node`."""
        self.name = name
        self._prefix = list(prefix)

    def load(self, image: Image, names: Sequence[str]) -> int:
        check_platform(self.name, image, self.machine())
        names = [complete(name) for name in names]
        if self._whole(image) >= set(names):
            return 0
        known = set(self.ctr("content", "ls", "--quiet").split())
        with tempfile.TemporaryFile() as file:
            archive.write_oci(image, names, known, file)
            moved = file.tell()
            file.seek(0)
            self.take(file.fileno())
        return moved if image.manifest.digest not in known else 0

    def take(self, archive_file: int) -> None:
        """Imports the archive in an open file."""
        self.ctr("images", "import", "-", stdin=archive_file)

    def _whole(self, image: Image) -> set[str]:
        """Names under which it has all of this image, unpacked: a full disk leaves half of it."""
        rows = [line.split() for line in self.ctr("images", "check").splitlines()]
        whole = {image.manifest.digest, "complete"}
        return {row[0] for row in rows if whole <= set(row) and row[-1] == "true"}

    def machine(self) -> str:
        """The CPU that it runs on, as uname says it."""
        return self.call("uname", "-m").strip()

    def ctr(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> str:
        return self.call("ctr", "--namespace", NAMESPACE, *arguments, stdin=stdin)

    def call(self, *command: str, stdin: int = subprocess.DEVNULL) -> str:
        """Output of a command that runs where containerd is."""
        done = host.run([*self._prefix, *command], stdin=stdin)
        if done.returncode:
            raise refused(self.name, done.stderr.decode(errors="replace"))
        return done.stdout.decode()
