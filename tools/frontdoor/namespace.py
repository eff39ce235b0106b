"""Steps into the private root file system with the kernel's own calls, and stays the same process.

bubblewrap could do the mounts, but it stays behind as Bazel's parent and dies at Ctrl-C while
Bazel still winds up. Here the process that the user started becomes Bazel: terminal, signals and
exit code need no forwarding.

See user_namespaces(7), mount_namespaces(7) and pivot_root(2).
"""

from __future__ import annotations

import ctypes
import errno
import os

from .problem import Problem

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000

_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x1, 0x2, 0x4, 0x8
_MS_REMOUNT, _MS_NOATIME, _MS_NODIRATIME = 0x20, 0x400, 0x800
_MS_BIND, _MS_REC = 0x1000, 0x4000
_MS_UNBINDABLE, _MS_PRIVATE, _MS_SLAVE, _MS_RELATIME = 0x20000, 0x40000, 0x80000, 0x200000
_MNT_DETACH = 2

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

# A remount inside a user namespace must keep the flags that the file system came with:
# mount_namespaces(7), "locked". statvfs reports them.
_LOCKED_FLAGS = (
    (os.ST_NOSUID, _MS_NOSUID),
    (os.ST_NODEV, _MS_NODEV),
    (os.ST_NOEXEC, _MS_NOEXEC),
    (os.ST_NOATIME, _MS_NOATIME),
    (os.ST_NODIRATIME, _MS_NODIRATIME),
    (os.ST_RELATIME, _MS_RELATIME),
)

# The two /etc, of which the inside's is composed.
_OWN_ETC, _HOST_ETC = "/.own-etc", "/.host-etc"

# What the private root supplies at the top of the tree. Everything else there (/home, /work, /tmp,
# /var, ...) is the host's, at its own path. The names with a dot are an outer private root's.
_OWN = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "boot", "lost+found")
_OUTER = (".fastapi_image", ".own-etc", ".host-etc")

# In /etc the private root's own files come first, but these say how this machine is configured:
# name resolution, users, time, certificates, package indexes, container tools.
_HOST_FIRST = frozenset(
    "containers docker gai.conf gitconfig group host.conf hostname hosts krb5.conf localtime"
    " machine-id netrc npmrc nsswitch.conf passwd pip.conf resolv.conf ssl timezone uv xdg".split()
)
# The host's loader configuration is wrong for the private root's libraries.
_NEVER_ETC = frozenset(("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload"))

# Is there inside only. `registry` in it leads to the checkout's registry/: the registry's address
# must be the same for every checkout, and Bazel takes no address with a space in it.
INSIDE = "/.fastapi_image"

# Counts up when the inside looks different: a Bazel server stays in the tree it was started in.
LAYOUT = 2

_libc = ctypes.CDLL(None, use_errno=True)


def enter(
    root: str, mount_point: str, *, checkout: str, paths: list[str], own_certificates: bool
) -> None:
    """Makes `root` this process's root directory; the working directory keeps its path.

    Args:
      root: the private root file system; it becomes read-only.
      mount_point: an empty directory, on which the new tree is put together.
      checkout: the workspace, for INSIDE.
      paths: absolute paths that must be there inside even where they lie under /usr.
      own_certificates: take /etc/ssl from the private root: the host has none.

    Raises:
      Problem: the machine forbids namespaces.
      OSError: a mount failed.
    """
    cwd = os.getcwd()
    _unshare()
    chroot = None
    try:
        # Mounts that the host makes later shall appear inside, none of ours outside.
        _mount("none", "/", _MS_REC | _MS_SLAVE)
    except OSError:
        # In a chroot, "/" is an ordinary folder. Only a mount can be pivoted away from.
        chroot = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
        _leave_chroot(mount_point)
        _mount("none", "/", _MS_REC | _MS_SLAVE)
        os.fchdir(chroot)
        os.chroot(".")
        _mount("/", mount_point, _MS_BIND | _MS_REC)
        os.chroot(mount_point)
    _mount("tmpfs", mount_point, _MS_NOSUID | _MS_NODEV, "tmpfs", "mode=0755")
    # Else the bind of the folder that holds the mount point would show the new tree inside itself.
    _mount("none", mount_point, _MS_UNBINDABLE)
    _top(root, mount_point)
    _etc(root, mount_point, own_certificates)
    os.mkdir(f"{mount_point}/usr")
    _mount(f"{root}/usr", f"{mount_point}/usr", _MS_BIND)
    for path in sorted(set(paths)):
        if path.startswith("/usr/") and os.path.exists(path):
            _bind_under_usr(mount_point, path)
    _mount("none", f"{mount_point}/usr", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _locked(root))
    os.mkdir(mount_point + INSIDE)
    os.symlink(os.path.join(checkout, "registry"), f"{mount_point}{INSIDE}/registry")
    os.chdir(mount_point)
    if chroot is not None:
        # Else /proc shows our paths as the host's, and Bazel's client takes its server for that
        # of another folder, and starts a new one for every command.
        tree = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        _leave_chroot(mount_point)
        os.fchdir(tree)
        os.close(tree)
        os.close(chroot)
    if _libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b".") != 0:
        raise _error("pivot_root")
    unmount(".")
    _mount("none", "/", _MS_PRIVATE)
    os.chdir(cwd)


def start_alone(root: str, command: list[str]) -> int:
    """Starts a program in `root` and nothing else, silently; returns its process id.

    Without /dev and /proc, but it can write what will be read-only once `enter` shows it.
    """
    child = os.fork()
    if child == 0:
        try:
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(nowhere, stream)
            _unshare()
            os.chroot(root)
            os.chdir("/")
            os.execve(command[0], command, {"PATH": "/usr/bin:/bin"})
        finally:
            os._exit(127)
    return child


def _leave_chroot(below: str) -> None:
    """Makes the mount namespace's own root this process's: see chroot(2), on who may.

    Args:
      below: any folder, which is the root for a moment: from outside of a root ".." goes on up.
    """
    os.chdir("/")
    os.chroot(below)
    while not os.path.samestat(os.stat("."), os.stat("..")):
        os.chdir("..")
    os.chroot(".")


def is_inside(checkout: str) -> bool:
    """Whether this process runs in a tree that was made for this checkout."""
    registry = os.path.join(checkout, "registry")
    return os.path.realpath(f"{INSIDE}/registry") == os.path.realpath(registry)


def isolate() -> None:
    """Mounts that root makes from now on are seen by this process and its children alone."""
    if _libc.unshare(_CLONE_NEWNS) != 0:
        raise _error("unshare")
    _mount("none", "/", _MS_REC | _MS_SLAVE)


def bind(source: str, target: str) -> None:
    """Shows the folder `source` at `target` too, where nothing of it can be changed."""
    _mount(source, target, _MS_BIND)
    try:
        _mount("none", target, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _locked(source))
    except OSError:
        unmount(target)
        raise


def unmount(target: str) -> None:
    """Takes away what is mounted there, for this process and its children."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH) != 0:
        raise _error(f"umount {target}")


def mount(source: str, target: str, kind: str, data: str) -> None:
    """Mounts a new file system of the kind, such as a tmpfs."""
    _mount(source, target, _MS_NOSUID | _MS_NODEV, kind, data)


def appear_as_root() -> None:
    """An ordinary user looks like root to this process and its children, with nobody's rights."""
    _user_namespace(0, 0)


def check() -> None:
    """Raises the Problem of a machine that forbids namespaces, without entering any."""
    child = os.fork()
    if child == 0:
        try:
            _unshare()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise _forbidden("Operation not permitted")


def _unshare() -> None:
    """A mount namespace of our own; as an ordinary user (or a root without rights) by way of a
    user namespace, in which we stay who we are."""
    if os.getuid() == 0 and _libc.unshare(_CLONE_NEWNS) == 0:
        return
    _user_namespace(os.getuid(), os.getgid())


def _user_namespace(inner_uid: int, inner_gid: int) -> None:
    uid, gid = os.getuid(), os.getgid()
    if _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS) != 0:
        code = ctypes.get_errno()
        raise _forbidden("too many of them" if code == errno.ENOSPC else os.strerror(code))
    # A group map may be written without privileges only after setgroups is given up.
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inner_uid} {uid} 1")
    _write("/proc/self/gid_map", f"{inner_gid} {gid} 1")


def _forbidden(reason: str) -> Problem:
    return Problem(
        f"this machine forbids namespaces ({reason}), which mirror mode needs for its private root"
        " file system: allow them (sysctl kernel.unprivileged_userns_clone=1,"
        " user.max_user_namespaces=10000, on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0;"
        " in a container --privileged), then run again"
    )


def _top(root: str, new: str) -> None:
    for entry in os.scandir("/"):
        if entry.name in (*_OWN, *_OUTER) or not entry.is_dir():
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), new + entry.path)
            continue
        os.mkdir(new + entry.path)
        try:
            _mount(entry.path, new + entry.path, _MS_BIND | _MS_REC)
        except OSError as error:
            # A network folder that lets nobody but its owner in: it stays empty inside.
            if error.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT):
                raise
    for name in _OWN:
        if os.path.islink(f"{root}/{name}"):
            os.symlink(os.readlink(f"{root}/{name}"), f"{new}/{name}")


def _etc(root: str, new: str, own_certificates: bool) -> None:
    """A folder of links into the two /etc: one mount each instead of one per file."""
    os.mkdir(f"{new}/etc")
    entries: dict[str, str] = {}
    host = _HOST_ETC if os.path.isdir(_HOST_ETC) else "/etc"
    for source, inside in ((f"{root}/etc", _OWN_ETC), (host, _HOST_ETC)):
        os.mkdir(new + inside)
        _mount(source, new + inside, _MS_BIND | _MS_REC)
        for name in os.listdir(source):
            host_first = name in _HOST_FIRST and not (name == "ssl" and own_certificates)
            if name not in _NEVER_ETC and (name not in entries or host_first):
                entries[name] = f"{inside}/{name}"
    for name, target in entries.items():
        os.symlink(target, f"{new}/etc/{name}")


def _bind_under_usr(new: str, path: str) -> None:
    """Shows the host's `path` inside; the place for it is made in the private root for good."""
    if os.path.isdir(path):
        os.makedirs(new + path, exist_ok=True)
    elif not os.path.lexists(new + path):
        os.makedirs(os.path.dirname(new + path), exist_ok=True)
        os.close(os.open(new + path, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(path, new + path, _MS_BIND | _MS_REC)


def _mount(source: str, target: str, flags: int, kind: str | None = None, data: str = "") -> None:
    if _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode() or None,
    ):
        raise _error(f"mount {source} on {target}")


def _locked(path: str) -> int:
    flags = os.statvfs(path).f_flag
    return sum(ours for theirs, ours in _LOCKED_FLAGS if flags & theirs)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def _error(what: str) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, f"{what}: {os.strerror(code)}")
