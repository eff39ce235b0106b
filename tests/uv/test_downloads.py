"""Where locked files come from, with which credentials, and what is said if they don't."""

import base64
import gzip
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.nested import fill, tools
from tests.uv import shop_index
from tests.uv.index import make_wheel
from tests.uv.locked import Locked
from tests.uv.shop_index import ShopIndex

SECRETS = ("fake-secret", "fake:secret", "fake%3Asecret")


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ShopIndex]]:
    """Four indexes without any file yet."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(shop_index.serve(tmp_path_factory.mktemp(f"shop{number}")))
            for number in range(4)
        ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    if shutil.which("bazel") is None:
        pytest.skip("there is no bazel on the test's PATH")
    made = Locked(tmp_path_factory.mktemp("downloads"))
    yield made
    made.bazel("shutdown")


@pytest.fixture
def locked(server: Locked, shops: list[ShopIndex]) -> Iterator[Locked]:
    """The workspace, each time with the same variables, and indexes as they are at first."""
    environ = dict(server.environ)
    for shop in shops:
        shutil.rmtree(shop.folder)
        shop.folder.mkdir()
        shop.reset()
    yield server
    server.environ = environ


def wheels(folder: Path, *names: str) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    return {name: make_wheel(folder, name, "1.0") for name in names}


def put(shop: ShopIndex, *files: Path) -> None:
    for file in files:
        shutil.copy(file, shop.folder)


def url(shop: ShopIndex, wheel: Path) -> str:
    return f"{shop.origin}/files/{wheel.name}"


def test_the_order(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    """Each place lacks what the one before it has alone."""
    made = wheels(tmp_path / "wheels", *"abcde")
    first, default, address, project = shops
    links = tmp_path / "links of this machine"
    links.mkdir()
    shutil.copy(made["a"], links)
    for number, shop in enumerate((first, default, address, project), start=1):
        put(shop, *list(made.values())[: number + 1])
    locked.lock(
        {wheel: url(address, wheel) for wheel in made.values()},
        f'[[tool.uv.index]]\nname = "own"\nurl = "{project.url}"\nexplicit = true\n',
    )
    locked.environ |= {
        "UV_FIND_LINKS": f"/nowhere,{links}",
        "UV_INDEX": f"first={first.url}",
        "UV_DEFAULT_INDEX": default.url,
    }
    done = locked.bazel("build", "//:all")
    assert done.returncode == 0, done.stderr
    got = [
        [path.rpartition("/")[2][0] for path in shop.asked() if ".whl" in path] for shop in shops
    ]
    assert [sorted(set(each)) for each in got] == [["b"], ["c"], ["d", "e"], ["e"]]
    assert sorted(path for path in first.asked() if "simple" in path) == [
        f"/simple/{name}/" for name in "bcde"
    ]


def test_a_lock_without_addresses(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    """PyTorch's own index, explicit, beside the one of this machine; and no index at all."""
    made = wheels(tmp_path / "wheels", "plain", "special")
    put(shops[0], made["plain"])
    put(shops[1], made["special"])
    index = f'[[tool.uv.index]]\nname = "own"\nurl = "{shops[1].url}"\nexplicit = true\n'
    locked.lock(dict.fromkeys(made.values(), ""), index)
    locked.environ["UV_OFFLINE"] = "1"
    said = locked.messages(locked.bazel("build", "//:all", "--keep_going").stderr)
    assert said == {
        name: f"{name} 1.0: {made[name].name} can't be had: UV_OFFLINE is set, and neither Bazel's "
        "repository cache nor a folder of UV_FIND_LINKS has it."
        for name in made
    }
    locked.environ["UV_OFFLINE"] = "0"
    locked.environ["UV_DEFAULT_INDEX"] = shops[0].url
    done = locked.bazel("build", "//:all")
    assert done.returncode == 0, done.stderr
    assert shops[1].asked() == ["/simple/special/", f"/files/{made['special'].name}"]


def test_credentials(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    """Of an address, variables, netrc and Bazel's helper; and none of them is left anywhere."""
    made = wheels(tmp_path / "wheels", *"abcd")
    for shop, wheel, word in zip(shops, made.values(), "abcd", strict=True):
        put(shop, wheel)
        shop.login = f"user-{word}:fake-secret-{word}"
    shops[0].login = "user@a:fake:secret/a"
    netrc_host, helper_host = "localhost", "127.0.0.1"
    netrc = f"http://{netrc_host}:{shops[2].origin.rpartition(':')[2]}/files/{made['c'].name}"
    locked.lock(
        {
            made["a"]: "",
            made["b"]: "",
            made["c"]: netrc,
            made["d"]: url(shops[3], made["d"]),
        },
        f'[[tool.uv.index]]\nname = "shop-b"\nurl = "{shops[1].url}"\n',
    )
    locked.environ |= {
        "UV_DEFAULT_INDEX": shops[0].with_login(),
        "UV_INDEX_SHOP_B_USERNAME": "user-b",
        "UV_INDEX_SHOP_B_PASSWORD": "fake-secret-b",
        "NETRC": str(tmp_path / "netrc"),
    }
    (tmp_path / "netrc").write_text(f"machine {netrc_host} login user-c password fake-secret-c\n")
    words = base64.b64encode(shops[3].login.encode()).decode()
    helper = tmp_path / "helper"
    helper.write_text(
        f"#!/bin/sh\ncat > /dev/null\n"
        f"""echo '{json.dumps({"headers": {"Authorization": [f"Basic {words}"]}})}'\n"""
    )
    helper.chmod(0o755)
    option = f"--credential_helper={helper_host}={helper}"
    done = locked.bazel("build", "//:all", option)
    assert done.returncode == 0, done.stderr
    query = locked.bazel("query", "--output=build", "deps(//:all)", option)
    assert query.returncode == 0, query.stderr
    locked.bazel("shutdown")
    said = "".join((done.stdout, done.stderr, query.stdout, query.stderr))
    _holds_no_secret(said.encode(), "what Bazel said")
    for path in [*locked.root.rglob("*"), *(locked.folder / "output").rglob("*")]:
        # Bazel's own log begins with all of its client's environment.
        if path.is_file() and not path.is_symlink() and not path.name.startswith("java.log"):
            content = path.read_bytes()
            _holds_no_secret(content, str(path))
            if path.suffix == ".gz":
                _holds_no_secret(gzip.decompress(content), str(path))


def _holds_no_secret(content: bytes, where: str) -> None:
    for secret in SECRETS:
        assert secret.encode() not in content, where
    for word in (b"user-b:fake-secret-b", b"user-c:fake-secret-c", b"user-d:fake-secret-d"):
        assert base64.b64encode(word) not in content, where


def test_credentials_stay_with_their_origin(
    locked: Locked, shops: list[ShopIndex], tmp_path: Path
) -> None:
    """Neither a link of a page nor a redirect takes them elsewhere."""
    made = wheels(tmp_path / "wheels", "linked", "moved")
    closed, other = shops[:2]
    closed.login = "user:fake-secret"
    put(closed, *made.values())
    put(other, *made.values())
    closed.page = lambda files: (
        "text/html",
        "".join(
            f'<a href="{other.origin if "linked" in name else ""}/files/{name}">x</a>'
            for name, _, _ in files
        ),
    )
    closed.moved[f"/files/{made['moved'].name}"] = url(other, made["moved"])
    locked.lock(dict.fromkeys(made.values(), ""))
    locked.environ["UV_DEFAULT_INDEX"] = closed.with_login()
    done = locked.bazel("build", "//:all")
    assert done.returncode == 0, done.stderr
    assert sorted(other.requests) == [(f"/files/{wheel.name}", "") for wheel in made.values()]


def test_failures(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    """One sentence for each, and the next build needs no other help."""
    statuses = {f"s{status}": status for status in (401, 403, 404, 429, 503)}
    made = wheels(tmp_path / "wheels", *statuses, "other-bytes", "short", "unreachable", "nowhere")
    index, address = shops[:2]
    put(index, *(made[name] for name in statuses))
    put(address, *made.values())
    index.answers = {f"/simple/{name}/": status for name, status in statuses.items()}
    address.answers = {f"/files/{made[name].name}": code for name, code in statuses.items()}
    address.damages = {
        f"/files/{made['other-bytes'].name}": lambda body: body.replace(b"version", b"noisrev"),
        f"/files/{made['short'].name}": lambda body: body[:-9],
    }
    addresses = {wheel: url(address, wheel) for wheel in made.values()}
    addresses[made["unreachable"]] = f"http://127.0.0.1:9/files/{made['unreachable'].name}"
    addresses[made["nowhere"]] = ""
    locked.lock(addresses)
    locked.environ["UV_DEFAULT_INDEX"] = index.url
    options = ("--keep_going", "--experimental_repository_downloader_retries=0")
    done = locked.bazel("build", "//:all", *options)
    assert done.returncode != 0
    said = locked.messages(done.stderr)
    machine = "the index that this machine is configured for"
    lock = (
        "the address in the lock refuses it, breaks off or gives other bytes than the lock pins by "
        "sha256, as Bazel's warning above says"
    )
    remedy = ". Try again when it is there, or name an index that has it in UV_DEFAULT_INDEX."
    words = {
        "s401": "answers 401 Unauthorized",
        "s403": "answers 403 Forbidden",
        "s429": "answers 429 Too Many Requests",
        "s503": "answers 503 Service Unavailable",
    }
    assert said == {
        name: f"{name} 1.0: {wheel.name} can't be had: {machine} "
        f"{words.get(name, "doesn't have this package")}"
        f"{'' if name == 'nowhere' else f'; {lock}'}{remedy}"
        for name, wheel in made.items()
    }
    for name, wheel in made.items():
        assert list(locked.repository_of(wheel.name).glob("*")) == [], name
        if name != "nowhere":
            assert re.search(f"WARNING: Download from .*{wheel.name} failed", done.stderr), name
    shops[0].reset()
    put(index, *made.values())
    done = locked.bazel("build", "//:all")
    assert done.returncode == 0, done.stderr


# Bazel's own ways to keep and to find what was downloaded.


def test_another_workspace_with_the_same_cache(
    locked: Locked, shops: list[ShopIndex], tmp_path: Path
) -> None:
    made = wheels(tmp_path / "wheels", "kept", "twice")
    put(shops[0], *made.values())
    locked.lock({made["kept"]: "", made["twice"]: url(shops[0], made["twice"])})
    locked.environ["UV_DEFAULT_INDEX"] = shops[0].url
    assert locked.bazel("build", "//:all").returncode == 0
    assert shops[0].requests
    shops[0].requests.clear()
    other = Locked(tmp_path, "another place")
    other.environ |= {"UV_DEFAULT_INDEX": shops[0].url}
    other.cache = locked.cache
    other.lock({made["kept"]: "", made["twice"]: url(shops[0], made["twice"])})
    done = other.bazel("build", "//:all")
    other.bazel("shutdown")
    assert done.returncode == 0, done.stderr
    assert shops[0].requests == []


def test_fetched_and_vendored(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    """A build after either of them asks nobody, also where nothing may be downloaded."""
    made = wheels(tmp_path / "wheels", "fetched", "further")
    put(shops[0], *made.values())
    locked.lock(dict.fromkeys(made.values(), ""))
    locked.environ["UV_DEFAULT_INDEX"] = shops[0].url
    done = locked.bazel("fetch", "//:all")
    assert done.returncode == 0, done.stderr
    shops[0].answers["/"] = 500
    shops[0].requests.clear()
    done = locked.bazel("build", "//:all", "--nofetch", "--repository_disable_download")
    assert done.returncode == 0, done.stderr
    vendored = f"--vendor_dir={tmp_path / 'vendored'}"
    done = locked.bazel("vendor", vendored, "//:all")
    assert done.returncode == 0, done.stderr
    # Another output base, and a repository cache that has the tools alone.
    kept, locked.cache = locked.cache, tmp_path / "cache"
    fill(locked.cache, tools())
    try:
        options = (vendored, "--repository_disable_download")
        done = locked.bazel("build", "//:all", *options, output="other")
        locked.bazel("shutdown", output="other")
    finally:
        locked.cache = kept
    assert done.returncode == 0, done.stderr
    assert shops[0].requests == []


def test_a_downloader_config(locked: Locked, shops: list[ShopIndex], tmp_path: Path) -> None:
    made = wheels(tmp_path / "wheels", "allowed", "blocked")
    put(shops[0], *made.values())
    config = tmp_path / "config"
    address = shops[0].origin.removeprefix("http://")
    config.write_text(f"rewrite files.example/(.*) {address}/$1\nblock 127.0.0.2\n")
    option = f"--experimental_downloader_config={config}"
    locked.lock(
        {
            made["allowed"]: f"http://files.example/files/{made['allowed'].name}",
            made["blocked"]: url(shops[0], made["blocked"]).replace("127.0.0.1", "127.0.0.2"),
        }
    )
    done = locked.bazel("build", "//:all", option, "--keep_going")
    assert locked.messages(done.stderr) == {
        "blocked": f"blocked 1.0: {made['blocked'].name} can't be had: the address in the lock "
        "refuses it, breaks off or gives other bytes than the lock pins by sha256, as Bazel's "
        "warning above says. Try again when it is there, or name an index that has it in "
        "UV_DEFAULT_INDEX."
    }
    assert shops[0].asked() == [f"/files/{made['allowed'].name}"]
