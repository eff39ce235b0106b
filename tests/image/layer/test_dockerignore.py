"""dockerignore.py: Docker's pattern language, as its documentation has it."""

import pytest
from layer.dockerignore import Dockerignore
from layer.errors import LayerError


def left_out(text: str, *paths: str) -> list[str]:
    patterns = Dockerignore(text.encode(), ".dockerignore")
    return [path for path in paths if patterns.leaves_out(path)]


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [
        ("tests", ["tests", "tests/a.py", "tests/x/b.py"], ["tests.py", "src/tests/a.py"]),
        ("/tests/", ["tests/a.py"], ["src/tests/a.py"]),
        ("./tests//x/../y", ["tests/y"], ["tests/x"]),
        ("*.md", ["README.md"], ["docs/README.md", "README.mdx"]),
        ("*/temp*", ["a/temporary.txt", "a/temp/x"], ["temp", "a/b/temp"]),
        ("*/*/temp*", ["a/b/temporary.txt"], ["a/temp"]),
        ("temp?", ["tempa", "temp1/x"], ["temp", "tempab", "a/tempa"]),
        ("**/*.go", ["a.go", "a/b/c.go"], ["a.gox", "go"]),
        ("**/secret", ["secret", "a/secret/x", "a/b/secret"], ["a/secrets", "nosecret"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["docs", "x/docs/a"]),
        ("docs/**/draft", ["docs/draft", "docs/a/b/draft/x"], ["docs/drafts", "draft"]),
        ("**", ["a", "a/b"], []),
        ("*", ["a", "a/b"], []),
        ("[a-c].txt", ["a.txt", "c.txt/x"], ["d.txt", "-.txt"]),
        ("[^a-c].txt", ["d.txt"], ["a.txt"]),
        (r"\*.txt", ["*.txt"], ["a.txt"]),
        (r"[\]x].txt", ["].txt", "x.txt"], [r"\.txt"]),
        ("a+(b).{c}|$", ["a+(b).{c}|$"], ["aab.c"]),
        ("  spaced name  ", ["spaced name/x"], ["spaced"]),
        ("größe", ["größe/x"], ["grösse"]),
        ("# a comment", [], ["# a comment", " a comment"]),
        (" #name", ["#name"], []),
        ("/", [], ["a", "a/b"]),
        (".", [], ["a", "a/b"]),
        ("../x", [], ["x"]),
    ],
)
def test_a_pattern(pattern: str, matched: list[str], others: list[str]) -> None:
    assert left_out(f"{pattern}\n", *matched, *others) == matched


def test_the_last_line_that_matches_decides() -> None:
    paths = ("README.md", "README-secret.md", "CHANGES.md")
    assert left_out("*.md\n!README*.md\nREADME-secret.md\n", *paths) == [*paths[1:]]
    assert left_out("*.md\nREADME-secret.md\n!README*.md\n", *paths) == ["CHANGES.md"]
    assert left_out("!README.md\n*.md\n", *paths) == [*paths]


def test_an_exception_below_a_folder_that_is_left_out() -> None:
    """The usual list of what is wanted."""
    text = "*\n! app\n!pyproject.toml\n**/__pycache__\n"
    paths = ("app/main.py", "app/__pycache__/x.pyc", "pyproject.toml", "tests/x.py", ".env")
    assert left_out(text, *paths) == ["app/__pycache__/x.pyc", "tests/x.py", ".env"]


def test_windows_lines_and_a_byte_order_mark() -> None:
    assert left_out("\ufefftests\r\n\r\n*.md\r\n", "tests/a", "b.md", "c") == ["tests/a", "b.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a\n!\n", "x/.dockerignore:2: `!` without a pattern; complete it"),
        (b"[a", "x/.dockerignore:1: '[a' is no pattern: a bracket is open, or empty"),
        (b"a[]", "x/.dockerignore:1: 'a[]' is no pattern: a bracket is open, or empty"),
        (b"[z-a]", "x/.dockerignore:1: '[z-a]' is no pattern: a bracket is open, or empty"),
        (b"\xff\xfe", "x/.dockerignore isn't UTF-8"),
    ],
)
def test_no_pattern(text: bytes, message: str) -> None:
    with pytest.raises(LayerError) as caught:
        Dockerignore(text, "x/.dockerignore")
    assert str(caught.value) == message
