"""Where locked files come from, with which credentials, and what is said if they don't."""

import base64
import gzip
import json
import re
import shutil
import subprocess
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
    made = wheels(tmp_path / "wheels", *(f"order-{letter}" for letter in "abcde"))
    first, default, address, project = shops
    links = tmp_path / "links of this machine"
    links.mkdir()
    shutil.copy(made["order-a"], links)
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
    got = [re.findall(r"/order_(.)-\S+\.whl", " ".join(shop.asked())) for shop in shops]
    assert [sorted(set(each)) for each in got] == [["b"], ["c"], ["d", "e"], ["e"]]
    assert sorted(path for path in first.asked() if "simple" in path) == [
        f"/simple/order-{name}/" for name in "bcde"
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
    made = wheels(tmp_path / "wheels", "by-address", "by-variable", "by-netrc", "by-helper")
    by_address, by_variable, by_netrc, by_helper = made.values()
    for shop, wheel, word in zip(shops, made.values(), "abcd", strict=True):
        put(shop, wheel)
        shop.login = f"user-{word}:fake-secret-{word}"
    shops[0].login = "user@a:fake:secret/a"
    # netrc knows hosts without their ports, and so does Bazel's option.
    netrc = url(shops[2], by_netrc).replace("127.0.0.1", "localhost")
    locked.lock(
        {by_address: "", by_variable: "", by_netrc: netrc},
        f'[[tool.uv.index]]\nname = "shop-b"\nurl = "{shops[1].url}"\n',
    )
    locked.environ |= {
        "UV_DEFAULT_INDEX": shops[0].with_login(),
        "UV_INDEX_SHOP_B_USERNAME": "user-b",
        "UV_INDEX_SHOP_B_PASSWORD": "fake-secret-b",
        "NETRC": str(tmp_path / "netrc"),
    }
    (tmp_path / "netrc").write_text("machine localhost login user-c password fake-secret-c\n")
    asked = [("build", "//:all"), ("query", "--output=build", "deps(//:all)")]
    said = [locked.bazel(*command) for command in asked]
    assert [done.returncode for done in said] == [0, 0], said[0].stderr
    helper = _helper(tmp_path, shops[3].login)
    locked.lock({by_helper: url(shops[3], by_helper)})
    said.append(locked.bazel("build", "//:all", f"--credential_helper=127.0.0.1={helper}"))
    assert said[-1].returncode == 0, said[-1].stderr
    locked.bazel("shutdown")
    for done in said:
        _holds_no_secret((done.stdout + done.stderr).encode(), "what Bazel said")
    for path in [*locked.root.rglob("*"), *(locked.folder / "output").rglob("*")]:
        # Bazel's own log begins with all of its client's environment.
        if path.is_file() and not path.is_symlink() and not path.name.startswith("java.log"):
            content = path.read_bytes()
            _holds_no_secret(content, str(path))
            if path.suffix == ".gz":
                _holds_no_secret(gzip.decompress(content), str(path))


def _helper(folder: Path, login: str) -> Path:
    """A credential helper that knows one login, for every address."""
    words = base64.b64encode(login.encode()).decode()
    helper = folder / "helper"
    helper.write_text(
        "#!/bin/sh\ncat > /dev/null\n"
        f"""echo '{json.dumps({"headers": {"Authorization": [f"Basic {words}"]}})}'\n"""
    )
    helper.chmod(0o755)
    return helper


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


def _certificate(folder: Path) -> tuple[Path, list[str]]:
    """A certificate of 127.0.0.1 with its key, and the startup options that have Bazel trust it."""
    for program in ("openssl", "keytool"):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program} on the test's PATH")
    both, store = folder / "both.pem", folder / "trust.p12"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    make += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    trust = ["keytool", "-importcert", "-noprompt", "-alias", "test", "-file", str(certificate)]
    trust += ["-keystore", str(store), "-storepass", "changeit", "-storetype", "PKCS12"]
    for command in (make, trust):
        subprocess.run(command, check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    options = {"trustStore": store, "trustStorePassword": "changeit"}
    return both, [
        f"--host_jvm_args=-Djavax.net.ssl.{name}={value}" for name, value in options.items()
    ]


def test_over_tls(locked: Locked, tmp_path: Path) -> None:
    """Bazel reads the pages, too: with its own helper, and what it is configured to rewrite."""
    certificate, options = _certificate(tmp_path)
    made = wheels(tmp_path / "wheels", "tls-address", "tls-helper", "tls-missing")
    (tmp_path / "served").mkdir()
    locked.startup = options
    try:
        with shop_index.serve(tmp_path / "served", certificate) as shop:
            put(shop, made["tls-address"], made["tls-helper"])
            shop.login = "user-t:fake-secret-t"
            locked.lock(dict.fromkeys([made["tls-address"], made["tls-missing"]], ""))
            locked.environ["UV_DEFAULT_INDEX"] = shop.with_login()
            done = locked.bazel("build", "//:all", "--keep_going", output="tls")
            assert locked.messages(done.stderr) == {
                "tls-missing": f"tls-missing 1.0: {made['tls-missing'].name} can't be had: the "
                "index that this machine is configured for can't be reached, refuses the request "
                "or doesn't have this package, as Bazel's warning above says. Try again when it is "
                "there, or name an index that has it in UV_DEFAULT_INDEX."
            }
            assert "GET returned 404" in done.stderr
            assert f"/files/{made['tls-address'].name}" in shop.asked()
            locked.lock({made["tls-helper"]: ""})
            config = tmp_path / "config"
            config.write_text(f"rewrite index.example/(.*) {shop.origin[8:]}/$1\n")
            locked.environ["UV_DEFAULT_INDEX"] = "https://index.example/simple"
            done = locked.bazel(
                "build",
                "//:all",
                f"--credential_helper={_helper(tmp_path, shop.login)}",
                f"--experimental_downloader_config={config}",
                output="tls",
            )
            assert done.returncode == 0, done.stderr
            assert f"/files/{made['tls-helper'].name}" in shop.asked()
    finally:
        locked.bazel("shutdown", output="tls")
        locked.startup = []


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
