"""What reads locks, on anything: an answer, or an error of ours.

The same inputs in every run.
"""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from uv.private.lock_form import FormError, portable

settings.register_profile("same", derandomize=True, database=None, deadline=None)
settings.load_profile("same")

LOCK = """\
version = 1
revision = 5

[[package]]
name = "leaf"
version = "1.1"
source = { registry = "https://user:fake@index.example/simple" }
sdist = { url = "https://index.example/leaf-1.1.tar.gz", hash = "sha256:DIGEST", size = 1 }
wheels = [
    { url = "https://index.example/leaf-1.1-py3-none-any.whl", hash = "sha256:DIGEST" },
]
""".replace("DIGEST", "0" * 64)


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """The text with one to four changes."""
    for where, gone, instead in draw(
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.text()), min_size=1, max_size=4)
    ):
        at = int(where * len(text))
        text = text[:at] + instead + text[at + gone :]
    return text


@given(changed(LOCK))
def test_a_portable_lock_never_has_an_address(text: str) -> None:
    with contextlib.suppress(FormError):
        assert "://index.example" not in portable(text)
