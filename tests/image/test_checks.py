"""Each check of test_config.py and test_contents.py fails, alone, when its matter is broken."""

import copy
import inspect
import tarfile
from collections.abc import Callable
from types import FunctionType

import pytest

from tests.image import test_config, test_contents
from tests.image.base.layout import Layout
from tests.image.broken import Broken, adds, entry, settings

SITE = test_contents.SITE


def metadata(image: Broken) -> None:
    """A distribution that the lock doesn't have."""
    image.add_file(f"{SITE}pytest-9.dist-info/METADATA", b"Name: pytest\nVersion: 9\n")


def layers(image: Broken) -> None:
    image.manifest["layers"] += [{"size": 0}] * 41


def large(image: Broken) -> None:
    image.manifest["layers"][0]["size"] += 100_000_000


def unpacked_large(image: Broken) -> None:
    image.add(entry("usr/share/large"))
    image._tars[-2].getmembers()[0].size = 300_000_000


def dated(image: Broken) -> None:
    image.config["created"] = "2026-01-01T00:00:00Z"


def telling(image: Broken) -> None:
    image.config["history"][-1]["created_by"] += " NEON_DATABASE_URL"


def label(image: Broken) -> None:
    del image.config["config"]["Labels"]["maintainer"]


CHECKS: dict[str, FunctionType] = {
    name: function
    for module in (test_config, test_contents)
    for name, function in vars(module).items()
    if name.startswith("test_") and isinstance(function, FunctionType)
}

BREAKS: list[tuple[str, str, Callable[[Broken], None]]] = [
    ("test_working_directory", "another", settings(WorkingDir="/")),
    ("test_port", "another", settings(ExposedPorts={"80/tcp": {}})),
    ("test_command", "reload", settings(Cmd=["main:app", "--reload"])),
    ("test_labels", "no maintainer", label),
    ("test_user", "root", settings(User="")),
    ("test_user", "a name", settings(User="nonroot")),
    ("test_environment", "an empty one", settings(Env=[])),
    ("test_nothing_else", "a volume", settings(Volumes={"/data": {}})),
    ("test_no_date_and_no_machine_is_in_it", "a date", dated),
    ("test_owner_and_mode_of_every_entry", "an owner", adds(entry("etc/x", uid=1000))),
    ("test_owner_and_mode_of_every_entry", "a group", adds(entry("etc/x", gid=42))),
    ("test_owner_and_mode_of_every_entry", "a name", adds(entry("etc/x", uname="builder"))),
    ("test_owner_and_mode_of_every_entry", "writable", adds(entry("etc/x", mode=0o666))),
    ("test_owner_and_mode_of_every_entry", "unreadable", adds(entry("etc/x", mode=0o600))),
    ("test_owner_and_mode_of_every_entry", "a device", adds(entry("dev/x", type=tarfile.CHRTYPE))),
    ("test_nothing_gives_a_user_more_rights", "setuid", adds(entry("usr/x", mode=0o4755))),
    ("test_nothing_gives_a_user_more_rights", "setgid", adds(entry("usr/x", mode=0o2755))),
    (
        "test_nothing_gives_a_user_more_rights",
        "a capability",
        adds(entry("usr/x", pax_headers={"SCHILY.xattr.security.capability": "x"})),
    ),
    ("test_no_time_but_the_epoch", "a time", adds(entry("etc/x", mtime=1))),
    ("test_entries_are_sorted_and_there_once", "not sorted", adds(entry("etc/y"), entry("etc/x"))),
    ("test_entries_are_sorted_and_there_once", "twice", adds(entry("etc/x"), entry("etc/x"))),
    (
        "test_every_module_has_the_bytecode_of_its_source",
        "none",
        adds(entry(f"{SITE}new_module.py")),
    ),
    (
        "test_every_module_has_the_bytecode_of_its_source",
        "of another source",
        lambda image: image.edit("app/main.py", b"app = None\n"),
    ),
    ("test_at_most_forty_layers", "more", layers),
    ("test_size", "compressed", large),
    ("test_size", "unpacked", unpacked_large),
    ("test_distributions_are_those_that_the_lock_says", "one more", metadata),
    (
        "test_programs_are_those_of_the_distributions",
        "activate",
        adds(entry("app/.venv/bin/activate")),
    ),
    ("test_the_application_is_its_sources_alone", "a build file", adds(entry("app/BUILD.bazel"))),
    ("test_no_shell_and_no_package_manager", "a shell", adds(entry("usr/bin/dash", mode=0o755))),
    ("test_no_secret_by_its_files_name", "a key", adds(entry("etc/ssl/server.key"))),
    (
        "test_no_secret_by_its_form",
        "a password",
        lambda image: image.edit("app/alembic.ini", b"url = postgresql://todo:fake@db/todo\n"),
    ),
    ("test_no_setting_is_built_in", "in the history", telling),
]


@pytest.fixture
def failing(
    base: Layout, is_ours: bool, runtime: dict[str, str], dev: dict[str, str]
) -> Callable[[Layout], set[str]]:
    """Runs all checks on an image, and returns the names of those that fail."""

    def run(image: Layout) -> set[str]:
        given = {
            "base": base,
            "config": copy.deepcopy(image.config["config"]),
            "dev": dev,
            "image": image,
            "is_ours": is_ours,
            "judged": image.layers()[0 if is_ours else len(base.layers()) :],
            "name": "NEON_DATABASE_URL",
            "runtime": runtime,
        }
        failed = set()
        for name, check in CHECKS.items():
            try:
                check(**{each: given[each] for each in inspect.signature(check).parameters})
            except (AssertionError, KeyError):
                failed.add(name)
        return failed

    return run


def test_the_image_itself_passes(image: Layout, failing: Callable[[Layout], set[str]]) -> None:
    assert failing(Broken(image)) == set()


@pytest.mark.parametrize(
    ("check", "damage"),
    [pytest.param(check, damage, id=f"{check}-{what}") for check, what, damage in BREAKS],
)
def test_one_check_fails(
    image: Layout,
    failing: Callable[[Layout], set[str]],
    check: str,
    damage: Callable[[Broken], None],
) -> None:
    broken = Broken(image)
    damage(broken)
    assert failing(broken) == {check}


def test_every_check_is_here() -> None:
    assert {check for check, _, _ in BREAKS} == CHECKS.keys()
