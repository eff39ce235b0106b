"""Each check of test_security.py fails, alone, when its matter is broken."""

import inspect
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.image import test_security
from tests.image.base.layout import Layout
from tests.image.broken import Broken, adds, entry, settings
from tests.image.test_security import Hardening, Image, elf_files, hardening

PLATFORM = "linux_amd64"
NO_IMAGE = "test_no_image_is_taken_or_deployed_by_latest"

CHECKS = {
    name: check
    for name, check in vars(test_security).items()
    if name.startswith("test_") and "image" in inspect.signature(check).parameters
}


def says(file: str, *lines: str) -> Callable[[Broken], None]:
    """More lines in a file of accounts. In them `{0}` and `{1}` are ids that nobody has.

    Nor is anybody named so, whoever the base has: `u{0}` is a free name.
    """

    def add(image: Broken) -> None:
        there = image.read(file).decode().splitlines()
        taken = set(":".join(there).split(":"))
        free = [n for n in range(1, 1000) if not {str(n), f"u{n}"} & taken]
        more = [line.format(*free) for line in lines]
        image.add_file(file, "\n".join([*there, *more, ""]).encode())

    return add


def history(command: str) -> Callable[[Broken], None]:
    return lambda image: image.config["history"][-1].update(created_by=command)


def elf(*changes: str) -> Callable[[Broken], None]:
    return lambda image: image.add_file("usr/lib/worse.so", worse(loader(image), *changes))


def loader(image: Layout) -> bytes:
    """The image's own dynamic loader, which is hardened in every respect."""
    names = [path for path, member in image.files().items() if member.isreg()]
    return image.read(next(n for n in names if re.search(r"/ld-linux-[^/]*\.so\.\d$", n)))


def worse(content: bytes, *changes: str) -> bytes:
    """An ELF file (elf(5)) with another header or program headers."""
    bad = bytearray(content)
    start = int.from_bytes(bad[32:40], "little")
    size, count = (int.from_bytes(bad[at : at + 2], "little") for at in (54, 56))
    for at in range(start, start + size * count, size):
        kind = int.from_bytes(bad[at : at + 4], "little")
        dropped = {0x6474E551: "no stack segment", 0x6474E552: "no relro"}.get(kind)
        if dropped in changes:
            bad[at : at + 4] = b"\0\0\0\0"
        elif kind == 0x6474E551 and "executable stack" in changes:
            bad[at + 4] |= 1
        elif kind == 1 and "writable code" in changes:  # PT_LOAD
            bad[at + 4] |= 3
        elif kind == 2 and "text relocations" in changes:  # PT_DYNAMIC: its first tag
            offset = int.from_bytes(bad[at + 8 : at + 16], "little")
            bad[offset : offset + 8] = (22).to_bytes(8, "little")  # DT_TEXTREL
    if "fixed address" in changes:
        bad[16] = 2  # ET_EXEC
    if "other CPU" in changes:
        bad[18] = 183  # EM_AARCH64
    return bytes(bad)


_SAME_UID = ("u{0}:x:{0}:{0}::/:", "u{1}:x:{0}:{1}::/:")

BREAKS: list[tuple[str, str, Callable[[Broken], None]]] = [
    ("test_the_user_is_a_number_and_not_root", "none", settings(User="")),
    ("test_the_user_is_a_number_and_not_root", "a name", settings(User="nonroot")),
    ("test_the_user_is_a_number_and_not_root", "root's group", settings(User="65532:0")),
    ("test_rights", "setuid", adds(entry("usr/x", mode=0o4755))),
    ("test_rights", "setgid", adds(entry("usr/x", mode=0o2755))),
    ("test_rights", "world-writable", adds(entry("etc/x", mode=0o646))),
    ("test_rights", "group-writable", adds(entry("etc/x", mode=0o664))),
    ("test_rights", "an owner", adds(entry("app/x", uid=65532))),
    ("test_rights", "a group", adds(entry("app/x", gid=42))),
    ("test_rights", "no sticky bit", adds(entry("tmp", mode=0o777))),
    ("test_names_and_ids_are_unique", "uid", says("etc/passwd", *_SAME_UID)),
    ("test_names_and_ids_are_unique", "gid", says("etc/group", "u{0}:x:{0}:", "u{1}:x:{0}:")),
    ("test_names_and_ids_are_unique", "name", says("etc/group", "u{0}:x:{0}:", "u{0}:x:{1}:")),
    ("test_names_and_ids_are_unique", "a second root", says("etc/passwd", "u{0}:x:0:0::/:")),
    ("test_no_password_is_empty", "passwd", says("etc/passwd", "u{0}::{0}:{0}::/:")),
    (
        "test_no_password_is_empty",
        "shadow",
        lambda image: image.add_file("etc/shadow", b"root::1:0:9:7:::\n"),
    ),
    (
        "test_no_password_is_empty",
        "a hash for all to read",
        says("etc/passwd", "u{0}:$6$x:{0}:{0}::/:"),
    ),
    ("test_nothing_is_left_of_making_it", "apt", adds(entry("var/lib/apt/lists/deb.example_x"))),
    ("test_nothing_is_left_of_making_it", "a cache", adds(entry("root/.cache/uv/x"))),
    ("test_nothing_is_left_of_making_it", "git", adds(entry("app/.git/config"))),
    ("test_nothing_is_left_of_making_it", "history", adds(entry("root/.bash_history"))),
    ("test_no_file_is_named_like_a_credential", ".env", adds(entry("app/.env"))),
    ("test_no_file_is_named_like_a_credential", "a key", adds(entry("app/server.key"))),
    ("test_no_file_is_named_like_a_credential", "ssh", adds(entry("root/.ssh/id_ed25519"))),
    (
        "test_no_variable_label_or_argument_holds_a_credential",
        "a variable",
        settings(Env=["OPENAI_API_KEY=fake"]),
    ),
    (
        "test_no_variable_label_or_argument_holds_a_credential",
        "a label",
        settings(Labels={"registry.password": "fake"}),
    ),
    (
        "test_no_variable_label_or_argument_holds_a_credential",
        "an argument",
        history("build --build-arg TOKEN=fake"),
    ),
    ("test_no_volume_on_a_sensitive_folder", "/proc", settings(Volumes={"/proc": {}})),
    ("test_every_binary_is_for_the_platform", "another CPU", elf("other CPU")),
]


@pytest.fixture(scope="module")
def good() -> tuple[Layout, int, list[Hardening]]:
    """The image, the layers of a base that isn't ours, and its binaries."""
    layout = Layout(Path("image", f"image_{PLATFORM}"))
    base = Path(os.environ[PLATFORM.upper()])
    below = 0 if base.parent == Path("image/base/debian") else len(Layout(base).layers())
    return layout, below, elf_files(layout.layers()[below:])


def failing(broken: Broken, good: tuple[Layout, int, list[Hardening]]) -> set[str]:
    layout, below, binaries = good
    added = [tar for tar in broken.layers() if tar not in layout.layers()]
    given = {
        "image": Image(PLATFORM, broken, broken.layers()[below:]),
        "binaries": binaries + elf_files(added),
    }
    failed = set()
    for name, check in CHECKS.items():
        try:
            check(**{each: given[each] for each in inspect.signature(check).parameters})
        except AssertionError:
            failed.add(name)
    return failed


def test_the_image_itself_passes(good: tuple[Layout, int, list[Hardening]]) -> None:
    assert failing(Broken(good[0]), good) == set()


@pytest.mark.parametrize(
    ("check", "damage"),
    [pytest.param(check, damage, id=f"{check}-{what}") for check, what, damage in BREAKS],
)
def test_one_check_fails(
    good: tuple[Layout, int, list[Hardening]], check: str, damage: Callable[[Broken], None]
) -> None:
    broken = Broken(good[0])
    damage(broken)
    assert failing(broken, good) == {check}


# The users and groups of every Debian, and so of nearly every base: Debian's policy manual, 9.2.2.
_USERS_AND_GROUPS = (
    "root 0, daemon 1, bin 2, sys 3, games 60, man 12, lp 7, mail 8, news 9, uucp 10, proxy 13,"
    " www-data 33, backup 34, list 38, irc 39, nobody 65534"
)
_GROUPS = (
    "adm 4, tty 5, disk 6, kmem 15, dialout 20, fax 21, voice 22, cdrom 24, floppy 25, tape 26,"
    " sudo 27, audio 29, dip 30, operator 37, src 40, shadow 42, utmp 43, video 44, sasl 45,"
    " plugdev 46, staff 50, users 100"
)
_ALL_ACCOUNTS = {
    "etc/passwd": "{0}:x:{1}:{1}:{0}:/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "{0}:x:{1}:\n",
    "etc/shadow": "{0}:*:20000:0:99999:7:::\n",
}


def with_debians_accounts(image: Layout) -> Broken:
    """Nothing is broken yet: a base with all of them."""
    found = Broken(image)
    for file, form in _ALL_ACCOUNTS.items():
        names = f"{_USERS_AND_GROUPS}, {_GROUPS}" if file == "etc/group" else _USERS_AND_GROUPS
        text = "".join(form.format(*each.split()) for each in names.split(","))
        found.add_file(file, text.encode())
    return found


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        pytest.param(check, damage, id=f"{check}-{what}")
        for check, what, damage in [*BREAKS, ("none", "whole", lambda _: None)]
        if check in ("test_names_and_ids_are_unique", "test_no_password_is_empty", "none")
    ],
)
def test_one_check_fails_on_a_base_with_many_accounts(
    good: tuple[Layout, int, list[Hardening]], check: str, damage: Callable[[Broken], None]
) -> None:
    broken = with_debians_accounts(good[0])
    damage(broken)
    assert failing(broken, good) == {check} - {"none"}


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ("no relro", "relro", "none"),
        ("no stack segment", "stack", "executable"),
        ("executable stack", "stack", "executable"),
        ("writable code", "other", ("writable code",)),
        ("text relocations", "other", ("text relocations",)),
        ("fixed address", "pie", False),
    ],
)
def test_what_is_not_hardened_is_seen(
    good: tuple[Layout, int, list[Hardening]], change: str, field: str, value: object
) -> None:
    content = loader(good[0])
    found = hardening("usr/lib/x.so", content)
    assert (found.relro, found.stack, found.pie, found.other) == ("full", "fixed", True, ())
    changed = hardening("usr/lib/x.so", worse(content, change))
    assert getattr(changed, field) == value
    test_security.test_every_binary_is_hardened([found])
    with pytest.raises(AssertionError):
        test_security.test_every_binary_is_hardened([found, changed])


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("MODULE.bazel", 'digest = "sha256:', 'tag = "'),
        ("deploy/base/deployment.yaml", "image: todo-backend", "image: todo-backend:latest #"),
    ],
)
def test_latest_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    shutil.copytree("deploy", tmp_path / "deploy")
    shutil.copy("MODULE.bazel", tmp_path)
    monkeypatch.chdir(tmp_path)
    test_security.test_no_image_is_taken_or_deployed_by_latest()
    path = tmp_path / file
    text = path.read_text()
    assert old in text
    path.unlink()
    path.write_text(text.replace(old, new))
    with pytest.raises(AssertionError):
        test_security.test_no_image_is_taken_or_deployed_by_latest()


def test_every_check_is_here() -> None:
    assert {check for check, _, _ in BREAKS} == CHECKS.keys()
