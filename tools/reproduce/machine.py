"""What the machine lends to a build: caches of downloads, settings, memory, a clock that lies."""

from __future__ import annotations

import glob
import os
import shutil

from frontdoor import namespace, recipe, workspace

from .surroundings import Surroundings

# A home is varied, but not which package index its owner uses.
_SETTINGS = (".netrc", ".config/pip/pip.conf", ".pip/pip.conf", ".config/uv/uv.toml")

# What the second build's files take, and what must be left for the build itself.
_MEMORY = 6_000_000_000

_FAKETIME = "usr/lib/*/faketime/libfaketime.so.1"


def isolate() -> bool:
    """As root: mounts that are made from now on are seen by us and our children alone."""
    if os.getuid() != 0:
        return False
    try:
        namespace.isolate()
    except OSError:
        return False
    return True


def prepare(build: Surroundings, repository_cache: str) -> None:
    """Makes the build's home, with the machine's settings and what it has downloaded already."""
    os.makedirs(os.path.join(build.home, ".cache/fastapi_image"))
    for name in _SETTINGS:
        source = os.path.join(workspace.home(), name)
        if os.path.isfile(source):
            target = os.path.join(build.home, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(source, target)
    _copy_downloads(repository_cache, os.path.join(build.folder, "downloads"))
    if not build.fresh_wheels:
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(workspace.home(), ".cache")
        build.environment["UV_CACHE_DIR"] = os.environ.get("UV_CACHE_DIR") or f"{cache}/uv"
    if build.days:
        _clock(build)


def put_into_memory(build: Surroundings, isolated: bool, keep: bool) -> None:
    """Mounts a tmpfs on the build's folder: folders there list their files in another order.

    What is to be kept stays on the disk: the mount ends with us.
    """
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
    os.makedirs(build.folder)
    if keep:
        build.notes.append("file system: what is kept lies on the disk")
    elif not isolated:
        build.notes.append("file system: only root can mount another (the order of copying varies)")
    elif memory["MemAvailable"] < _MEMORY:
        build.notes.append(f"file system: a tmpfs would need {_MEMORY / 1e9:.0f} GB of free memory")
    else:
        namespace.mount("tmpfs", build.folder, "tmpfs", "mode=0755")


def give(build: Surroundings, folder: str = "") -> None:
    """Makes the build's user the owner of its files, or of a folder's."""
    if build.ids:
        for path, _, files in os.walk(folder or build.folder):
            os.chown(path, *build.ids)
            for name in files:
                os.chown(os.path.join(path, name), *build.ids, follow_symlinks=False)


def mounts(folder: str) -> list[str]:
    """What is mounted on or below the folder, the innermost first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split(" ")[4] for line in file]
    # proc_pid_mountinfo(5): a space is \\040.
    points = [point.replace("\\040", " ") for point in points]
    return [p for p in reversed(points) if p == folder or p.startswith(folder + "/")]


def remove(folder: str) -> None:
    """Removes a tree in which Bazel has made folders read-only; what is mounted in it stays whole.

    Raises:
        OSError: something is mounted in it and can't be unmounted; nothing was removed.
    """
    for point in mounts(folder):
        namespace.unmount(point)
    for path, folders, _ in os.walk(folder):
        for name in folders:
            child = os.path.join(path, name)
            if not os.path.islink(child):
                os.chmod(child, 0o700)
    shutil.rmtree(folder)


def sandbox_flags(build: Surroundings) -> list[str]:
    """Bazel's flags for the clock."""
    etc = os.path.join(build.folder, "etc")
    if not os.path.isdir(etc):
        return []
    # libfaketime's processes share a clock there, and would leave it behind.
    return [f"--sandbox_add_mount_pair={etc}:/etc", "--sandbox_tmpfs_path=/dev/shm"]


def _copy_downloads(source: str, target: str) -> None:
    """Bazel checks each file against the hash that it is named by."""
    if os.path.isdir(source):
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("tmp*", "gc*"))
    else:
        os.makedirs(target)


def lend_root_file_system(build: Surroundings, isolated: bool) -> None:
    """Mirror mode's Bazel, which is no input of the image's, need not be fetched again.

    It stays the user's: a link to it, or a mount in which nothing can be changed.
    """
    source = os.path.join(workspace.cache(), recipe.key())
    target = os.path.join(build.home, ".cache/fastapi_image", recipe.key())
    if not os.path.isfile(os.path.join(source, "made")):
        return
    if build.ids and isolated:
        # Another user can't go through our home.
        os.mkdir(target)
        namespace.bind(source, target)
    elif not build.ids:
        os.symlink(source, target)


def _clock(build: Surroundings) -> None:
    """An /etc for the sandboxes whose ld.so.preload brings libfaketime into every program.

    Bazel clears the actions' environment, so that LD_PRELOAD can't do it, and no namespace has
    the wall clock. Actions of ours read nothing of /etc.
    """
    etc = os.path.join(build.folder, "etc")
    library = glob.glob(os.path.join(workspace.cache(), recipe.key(), "tree", _FAKETIME))
    if not library:
        build.notes.append("clock: mirror mode is not set up yet, whose libfaketime it takes")
        return
    os.mkdir(etc)
    shutil.copy(library[0], os.path.join(etc, "libfaketime.so.1"))
    for name, content in {
        "faketimerc": f"+{build.days}d\n",
        "ld.so.preload": "/etc/libfaketime.so.1\n",
        "passwd": "root:x:0:0::/root:/bin/false\n",
        "group": "root:x:0:\n",
    }.items():
        with open(os.path.join(etc, name), "w", encoding="ascii") as file:
            file.write(content)
