"""Pages of package indexes, however they are written and wherever they redirect."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.uv import shop_index
from tests.uv.index import make_wheel
from tests.uv.shop_index import ShopIndex
from uv.private.page import links

NAME = "two_words-1.0+cpu-py3-none-any.whl"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ShopIndex]:
    (tmp_path / "served").mkdir()
    make_wheel(tmp_path / "served", "two-words", "1.0+cpu")
    make_wheel(tmp_path / "served", "two-words", "1.1")
    with shop_index.serve(tmp_path / "served") as index:
        yield index


def find(index: ShopIndex, name: str = NAME, login: str = "") -> tuple[int, str]:
    """Exit code and the one line that page.py says."""
    user, _, password = login.partition(":")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "uv/private/page.py", name, f"{index.url}/two-words/"],
        env={"LOGIN": user, "PASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = (done.stdout + done.stderr).splitlines()
    return done.returncode, line


@pytest.mark.parametrize("page", ["plain", "shouting", "relative", "as_json"])
def test_pages(shop: ShopIndex, page: str) -> None:
    shop.page = getattr(shop_index, page)
    code, url = find(shop)
    assert code == 0, url
    assert url.startswith(f"{shop.origin}/files/two_words-1.0%2Bcpu-py3-none-any.whl")
    assert "#" not in url


def test_the_first_base_counts_and_an_anchor_without_address_does_not() -> None:
    page = "<a>x</a><a name=x href=''>x</a><base href='b/'><base href='c/'><a href=x.whl#y>x</a>"
    assert links(page, "https://index.example/simple/x/") == {
        "x.whl": "https://index.example/simple/x/b/x.whl"
    }


def test_a_login(shop: ShopIndex) -> None:
    shop.login = "fake-user:fake pass:wörd"
    assert find(shop) == (1, "answers 401 Unauthorized")
    code, line = find(shop, login=shop.login)
    assert code == 0, line


def test_redirects_keep_the_login_on_the_same_origin_alone(shop: ShopIndex, tmp_path: Path) -> None:
    shop.login = "fake-user:fake-password"
    shop.moved["/simple/two-words/"] = "/elsewhere/simple/two-words"
    shop.moved["/elsewhere/simple/two-words"] = "/simple/two-words"
    code, line = find(shop, login=shop.login)
    assert code == 0, line
    assert all(sent for _, sent in shop.requests)
    with shop_index.serve(shop.folder) as other:
        shop.moved["/simple/two-words/"] = f"{other.url}/two-words/"
        code, url = find(shop, login=shop.login)
        assert url.startswith(f"{other.origin}/files/"), url  # relative to where the page is
        assert [sent for _, sent in other.requests] == [""]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "answers 401 Unauthorized"),
        (403, "answers 403 Forbidden"),
        (404, "doesn't have this package"),
        (429, "answers 429 Too Many Requests"),
        (503, "answers 503 Service Unavailable"),
    ],
)
def test_refusals(shop: ShopIndex, status: int, words: str) -> None:
    shop.answers["/simple"] = status
    assert find(shop) == (1, words)
    assert len(shop.requests) == (3 if status in (429, 503) else 1)


def test_a_refusal_that_passes(shop: ShopIndex) -> None:
    shop.answers["/simple"] = 503

    class Once(dict[str, int]):
        def items(self):  # type: ignore[no-untyped-def]
            found = list(super().items())
            self.clear()
            return found

    shop.answers = Once(shop.answers)
    assert find(shop)[0] == 0


def test_other_failures(shop: ShopIndex) -> None:
    assert find(shop, "two_words-2.0-py3-none-any.whl") == (
        1,
        "doesn't have two_words-2.0-py3-none-any.whl",
    )
    shop.page = lambda files: ("application/json", "{")
    assert find(shop) == (1, "gives a page that can't be read")
    shop.origin = "http://127.0.0.1:9"
    assert find(shop) == (1, "can't be reached (Connection refused)")
    shop.origin = "http://nowhere.invalid"
    code, line = find(shop)
    assert code == 1
    assert line.startswith("can't be reached (")
