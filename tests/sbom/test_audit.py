"""The audit tells what is refused, what was found, and what it could not check."""

import http.server
import json
import os
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bill import audit

POLICY = tomllib.loads(Path("sbom/licence_policy.toml").read_text())
UV = Path("..") / os.environ["UV_UNDER_TEST"]


def component(name: str, *licences: dict[str, Any], kind: str = "pypi") -> dict[str, Any]:
    return {"name": name, "purl": f"pkg:{kind}/{name}@1", "licenses": list(licences)}


def named(name: str) -> dict[str, Any]:
    return {"license": {"name": name}}


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (component("a", {"license": {"id": "MIT"}}), ""),
        (component("a", {"expression": "GPL-3.0-only OR MIT"}), ""),
        (component("a", {"license": {"id": "GPL-3.0-only"}}), "isn't among the policy's allowed"),
        (
            component("a", {"expression": "MIT AND GPL-3.0-only"}),
            "isn't among the policy's allowed",
        ),
        (component("a"), "states no licence"),
        (component("a", named("BSD License")), "names no one licence"),
        (component("jinja2", named("BSD License")), ""),
        (component("d", {"license": {"id": "GPL-3.0-only"}}, kind="deb/debian"), ""),
        (component("d", named("see /x"), kind="deb/debian"), ""),
        (component("d", named("AGPL-3"), kind="deb/debian"), "which the policy refuses"),
    ],
)
def test_refused(one: dict[str, Any], message: str) -> None:
    reason = audit.refused(one, POLICY)
    assert message in reason if message else not reason


class _Osv(http.server.BaseHTTPRequestHandler):
    """Answers as the OSV service does (https://google.github.io/osv.dev/api/)."""

    vulnerable: tuple[str, ...] = ()

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = [
            {"vulns": [{"id": "TEST-1", "modified": "2026-01-01T00:00:00Z"}]}
            if one["package"]["name"] in self.vulnerable
            else {}
            for one in query["queries"]
        ]
        self._answer({"results": results})

    def do_GET(self) -> None:
        self._answer(
            {
                "id": "TEST-1",
                "modified": "2026-01-01T00:00:00Z",
                "published": "2026-01-01T00:00:00Z",
                "summary": "made up",
                "affected": [
                    {
                        "package": {"name": self.vulnerable[0], "ecosystem": "PyPI"},
                        "ranges": [
                            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}
                        ],
                    }
                ],
            }
        )

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def osv() -> Iterator[tuple[str, type[_Osv]]]:
    handler = type("Handler", (_Osv,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", handler
        finally:
            server.shutdown()
            thread.join()


def run(tmp_path: Path, one: dict[str, Any], service: str) -> int:
    bill = tmp_path / "bill.json"
    bill.write_text(json.dumps({"components": [one]}))
    return audit.main(
        [
            f"--bill={bill}",
            "--policy=sbom/licence_policy.toml",
            "--lock=uv.lock",
            "--pyproject=pyproject.toml",
            f"--uv={UV}",
            f"--service-url={service}",
        ]
    )


GOOD = component("a", {"license": {"id": "MIT"}})


def test_nothing_found(
    tmp_path: Path, osv: tuple[str, type[_Osv]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, GOOD, osv[0]) == 0
    output = capsys.readouterr().out
    assert "uv knows of 0" in output
    assert "NOT CHECKED: whether the Debian packages have known vulnerabilities" in output


def test_a_vulnerability_is_found(
    tmp_path: Path, osv: tuple[str, type[_Osv]], capsys: pytest.CaptureFixture[str]
) -> None:
    osv[1].vulnerable = ("fastapi",)
    assert run(tmp_path, GOOD, osv[0]) == audit.FOUND
    output = capsys.readouterr().out
    assert "VULNERABILITY: fastapi " in output
    assert "TEST-1: made up (fixed in 999)" in output


def test_a_refused_licence(tmp_path: Path, osv: tuple[str, type[_Osv]]) -> None:
    assert run(tmp_path, component("a", named("BSD License")), osv[0]) == audit.FOUND


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pypi", "Expected ']'"),
        ("[pypi]\nallowed = []\n", "there is no list 'refused' under [deb]"),
        ("[deb]\nrefused = []\n", "there is no list 'allowed' under [pypi]"),
    ],
)
def test_a_policy_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    arguments = [f"--policy={policy}", "--bill=x", "--lock=x", "--pyproject=x", "--uv=x"]
    assert audit.main(arguments) == audit.WRONG_POLICY
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ERROR: {policy}: {message}")


def test_what_could_not_be_checked_is_never_called_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, GOOD, "http://127.0.0.1:9/") == audit.NOT_CHECKED
    output = capsys.readouterr().out
    assert "NOT CHECKED: whether the distributions have known vulnerabilities" in output
    assert "uv knows of" not in output
