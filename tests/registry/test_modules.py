"""Module extensions of the stand-ins, by a Bazel of its own: oci.pull, python and pip."""

import base64
import http.server
import json
import os
import pathlib
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.registry import layouts

# Where mirror mode shows registry/: see .bazelrc.
MODULES = "file:///.fastapi_image/registry"
LOGIN = "reader", "not-a-real-password"
INDEX = layouts.FOLDER / "index"
IMAGE = layouts.FOLDER / "everything"


class Handler(http.server.BaseHTTPRequestHandler):
    """A registry (OCI distribution specification 1.1) that serves the layouts of the matrix.

    `/v2/open/…` is for everybody, `/v2/basic/…` wants LOGIN.
    """

    def do_GET(self) -> None:
        basic = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
        given = self.headers.get("Authorization")
        _, _, access, name, kind, identifier = self.path.split("/")
        if given != {"open": None, "basic": basic}[access]:
            self.answer(401, b"")
            return
        layout = layouts.FOLDER / name
        blob = layout / "blobs" / identifier.replace(":", "/")
        if not blob.exists():
            self.answer(404, b"")
        elif kind == "manifests" and not self.accepts_json():
            self.answer(406, b"")
        else:
            self.answer(200, blob.read_bytes())

    def accepts_json(self) -> bool:
        """Whether an Accept header asks for manifests: Bazel sends one of its own before it."""
        return any("json" in value for value in self.headers.get_all("Accept", []))

    def answer(self, status: int, body: bytes) -> None:
        """Send a response."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks at what was built."""


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """Address of the registry."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class Workspace:
    """A workspace with a Bazel server."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / "workspace"
        self.home = folder / "home"
        self.folder.mkdir()
        self.home.mkdir()
        (self.folder / ".bazelrc").write_text(
            f"common --registry={MODULES} --noenable_workspace --lockfile_mode=off\n"
            "build --spawn_strategy=local\n"
        )

    def bazel(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Bazel command."""
        command = [
            "bazel",
            "--nosystem_rc",
            "--nohome_rc",
            "--install_base=/usr/share/bazel",
            "--trust_install_base",
            "--server_javabase=/usr/lib/jvm/default-java",
            f"--output_user_root={self.home}/root",
            "--host_jvm_args=-Xmx384m",
            "--max_idle_secs=60",
            *arguments,
        ]
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def write(self, module: str, build: str = "") -> None:
        """Replace MODULE.bazel and BUILD.bazel."""
        (self.folder / "MODULE.bazel").write_text(
            'module(name = "nested")\n'
            'bazel_dep(name = "rules_python", version = "2.3.2")\n'
            'bazel_dep(name = "rules_oci", version = "2.3.0")\n'
            'register_toolchains("@bazel_tools//tools/python:autodetecting_toolchain")\n'
            'oci = use_extension("@rules_oci//oci:extensions.bzl", "oci")\n' + module
        )
        (self.folder / "BUILD.bazel").write_text(build)

    def fails(self, target: str) -> str:
        """Build what can't be built; returns what Bazel says."""
        result = self.bazel("build", target)
        assert result.returncode != 0, result.stderr
        return result.stderr


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose Bazel ends with the tests."""
    result = Workspace(tmp_path_factory.mktemp("nested"))
    yield result
    result.bazel("shutdown")


def pull(**attributes: object) -> str:
    """An `oci.pull` tag of the name `base`."""
    lines = [f"    {key} = {json.dumps(value)},\n" for key, value in attributes.items()]
    return 'oci.pull(\n    name = "base",\n' + "".join(lines) + ")\n"


def digest(layout: pathlib.Path) -> str:
    return str(layouts.top(layout)["digest"])


BUILD = """\
load("@rules_oci//oci:defs.bzl", "oci_image")

oci_image(
    name = "image",
    base = "@base",
    user = "1",
)

oci_image(
    name = "arm64",
    base = "@base_linux_arm64_v8",
)

filegroup(
    name = "digest",
    srcs = ["@base//:digest"],
)
"""


def test_pull_of_an_index(workspace: Workspace, registry: str) -> None:
    workspace.write(
        pull(
            digest=digest(INDEX),
            image=f"http://{registry}/open/index",
            platforms=["linux/amd64", "linux/arm64/v8"],
        )
        + 'use_repo(oci, "base", "base_linux_amd64", "base_linux_arm64_v8")\n',
        BUILD,
    )
    result = workspace.bazel("build", "//:all", "@base//:digest")
    assert result.returncode == 0, result.stderr
    built = workspace.folder / "bazel-bin"
    everything, arm = layouts.listing(IMAGE), layouts.listing(layouts.FOLDER / "arm_variant")
    image = layouts.listing(built / "image")
    assert image["config"]["config"] == everything["config"]["config"] | {"User": "1"}
    assert image["manifest"]["layers"] == everything["manifest"]["layers"]
    assert image["manifest"]["annotations"] == everything["manifest"]["annotations"]
    # Nothing changed, so the same bytes again.
    assert layouts.listing(built / "arm64") == arm
    for layout in (built / "image", built / "arm64"):
        for layer in layouts.listing(layout)["manifest"]["layers"]:
            layouts.blob(layout, layer["digest"])


def test_pull_with_a_login(workspace: Workspace, registry: str) -> None:
    workspace.write(
        pull(
            digest=digest(INDEX),
            image=f"http://{registry}/basic/index",
            platforms=["linux/amd64"],
        )
        + 'use_repo(oci, "base_linux_amd64")\n',
        'alias(name = "base", actual = "@base_linux_amd64")\n',
    )
    # What an earlier pull has fetched is in the cache by its digest, and nobody would be asked.
    options = ["--repository_cache="]
    said = workspace.bazel("build", "//:base", *options)
    assert said.returncode != 0
    assert "does it want `docker login`?" in said.stderr

    config = workspace.home / ".docker" / "config.json"
    config.parent.mkdir(exist_ok=True)
    auth = base64.b64encode(":".join(LOGIN).encode()).decode()
    config.write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    try:
        said = workspace.bazel("build", "//:base", *options)
        assert said.returncode == 0, said.stderr
        assert LOGIN[1] not in said.stderr
    finally:
        config.unlink()


def test_pull_of_one_image(workspace: Workspace, registry: str) -> None:
    image = f"http://{registry}/open/everything@{digest(IMAGE)}"
    workspace.write(
        pull(image=image) + 'use_repo(oci, "base")\n',
        'load("@rules_oci//oci:defs.bzl", "oci_image")\n'
        'oci_image(name = "image", base = "@base")\n',
    )
    result = workspace.bazel("build", "//:image")
    assert result.returncode == 0, result.stderr
    assert layouts.listing(workspace.folder / "bazel-bin" / "image") == layouts.listing(IMAGE)


def test_pull_by_a_tag(workspace: Workspace, registry: str) -> None:
    """Bazel downloads what has no digest by TLS alone, which the registry here does not speak."""
    cases: list[tuple[dict[str, object], str]] = [
        (
            {"image": f"http://{registry}/open/everything:latest"},
            "without TLS Bazel fetches nothing that it cannot check",
        ),
        (
            {"registry": registry, "repository": "open/everything", "tag": "latest"},
            f"cannot be had from https://{registry}/v2/open/everything/manifests/latest: is there",
        ),
        (
            {
                "image": f"http://{registry}/open/everything@{digest(IMAGE)}",
                "www_authenticate_challenges": {
                    registry: f'Bearer realm="http://{registry}/token",service="here"'
                },
            },
            f"has its tokens at http://{registry}/token: Bazel fetches them by TLS alone",
        ),
    ]
    for attributes, message in cases:
        workspace.write(
            pull(**attributes) + 'use_repo(oci, "base_single")\n',
            'alias(name = "base", actual = "@base_single")\n',
        )
        assert message in workspace.fails("//:base")


def test_pull_that_the_registry_cannot_satisfy(workspace: Workspace, registry: str) -> None:
    image = f"http://{registry}/open/everything"
    configuration = layouts.listing(IMAGE)["manifest"]["config"]["digest"]
    cases: list[tuple[dict[str, object], str]] = [
        ({"digest": configuration}, f"@{configuration} is of a kind that is not supported: "),
        (
            {"digest": digest(IMAGE), "platforms": ["linux/arm64"]},
            "is for linux/amd64, not for linux/arm64",
        ),
        (
            {
                "digest": digest(IMAGE),
                "www_authenticate_challenges": {registry: "Negotiate"},
            },
            f"the challenge of {registry} is neither Basic nor a Bearer with a realm: Negotiate",
        ),
        (
            {
                "digest": digest(IMAGE),
                "www_authenticate_challenges": {registry: f'Bearer realm="https://{registry}/t"'},
            },
            f"https://{registry}/t gives no token for open/everything: does it want `docker login`",
        ),
    ]
    for attributes, message in cases:
        repository = "base_linux_arm64" if "platforms" in attributes else "base_single"
        workspace.write(
            pull(image=image, **attributes) + f'use_repo(oci, "{repository}")\n',
            f'alias(name = "base", actual = "@{repository}")\n',
        )
        said = workspace.fails("//:base")
        assert "Error in fail: oci.pull: " in said
        assert message in said


def test_helper_targets_are_manual(workspace: Workspace) -> None:
    """`//...` builds what the user has written down, and nothing that a macro adds to it."""
    workspace.write(
        "",
        'load("@rules_oci//oci:defs.bzl", "oci_image", "oci_image_index", "oci_load", "oci_push")\n'
        'oci_image(name = "image", os = "linux", architecture = "amd64", cmd = ["a"],\n'
        '    entrypoint = ["b"], env = {"c": "d"}, labels = {"e": "f"}, annotations = {"g": "h"},\n'
        '    exposed_ports = ["1"], volumes = ["/i"], tags = ["no-remote-cache", "mine"])\n'
        'oci_image_index(name = "index", images = ["image"], annotations = {"j": "k"})\n'
        'oci_load(name = "load", image = "image", repo_tags = ["l:m"])\n'
        'oci_push(name = "push", image = "image", remote_tags = ["n"])\n',
    )

    def query(expression: str) -> set[str]:
        result = workspace.bazel("query", expression)
        assert result.returncode == 0, result.stderr
        return set(result.stdout.split())

    written = {"//:image", "//:index", "//:load", "//:push"}
    rules = query("kind(rule, //:all)")
    assert rules > written
    assert query("attr(tags, '[\\[ ]manual[,\\]]', //:all)") == rules - written
    # How an action runs holds for the helpers too; the user's own tags do not.
    remote = query("attr(tags, 'no-remote-cache', //:all)")
    assert {"//:image", "//:image.digest", "//:image_write_env"} <= remote
    assert query("attr(tags, '[\\[ ]mine[,\\]]', //:all)") == {"//:image"}


CHECKS = """\
load("@rules_oci//oci/private:credentials.bzl", "decode_base64", "parse_challenge")
load("@rules_oci//oci/private:reference.bzl", "parse_reference")

def check(found, wanted):
    if found != wanted:
        fail("%s is not %s" % (found, wanted))

def check_reference(text, scheme, registry, repository, tag, digest):
    check(parse_reference(text), struct(
        digest = digest,
        registry = registry,
        repository = repository,
        scheme = scheme,
        tag = tag,
    ))

def check_all():
    check(decode_base64("cmVhZGVyOnBhJCQgd35yZA=="), "reader:pa$$ w~rd")
    check(decode_base64("YQ"), "a")
    check(parse_challenge("Basic"), ("basic", {}))
    check(
        parse_challenge('Bearer realm="https://a.example/t", service="b,c"'),
        ("bearer", {"realm": "https://a.example/t", "service": "b,c"}),
    )
    check_reference("python", "https", "index.docker.io", "library/python", None, None)
    check_reference("docker.io/a/b:1", "https", "index.docker.io", "a/b", "1", None)
    check_reference("http://h:5000/b@sha256:0", "http", "h:5000", "b", None, "sha256:0")
    check_reference("https://h:5000/b/c:2@sha256:0", "https", "h:5000", "b/c", "2", "sha256:0")
"""


def test_references_and_headers(workspace: Workspace) -> None:
    """The functions that read what the tests above cannot send."""
    workspace.write("", 'load(":check.bzl", "check_all")\ncheck_all()\n')
    (workspace.folder / "check.bzl").write_text(CHECKS)
    result = workspace.bazel("build", "//:all")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"image": "a.example/b"}, 'oci.pull(name = "base"): give a digest or a tag'),
        (
            {"image": "a.example/b:1", "registry": "a.example", "repository": "b"},
            'oci.pull(name = "base"): give either image, or registry and repository',
        ),
        (
            {"registry": "a.example", "tag": "1"},
            'oci.pull(name = "base"): registry and repository go together',
        ),
    ],
)
def test_pull_that_names_no_image(
    workspace: Workspace, attributes: dict[str, object], message: str
) -> None:
    workspace.write(
        pull(**attributes) + 'use_repo(oci, "base")\n', 'alias(name = "base", actual = "@base")\n'
    )
    assert f"Error in fail: {message}\n" in workspace.fails("//:base")


def test_pull_of_what_is_not_there(workspace: Workspace, registry: str) -> None:
    missing = "sha256:" + 64 * "0"
    arm = digest(layouts.FOLDER / "arm_variant")
    for image, platforms, repository, message in [
        ("index@" + missing, [], "base_single", "cannot be had from http://"),
        ("index@" + digest(INDEX), [], "base_single", "is an index: give 'platforms', of linux/"),
        (
            "index@" + digest(INDEX),
            ["linux/s390x"],
            "base_linux_s390x",
            "has no image for linux/s3",
        ),
        ("arm_variant@" + arm, ["linux/amd64"], "base_linux_amd64", "is for linux/arm64/v8, not"),
    ]:
        attributes = {"image": f"http://{registry}/open/{image}", "platforms": platforms}
        workspace.write(
            pull(**attributes) + f'use_repo(oci, "{repository}")\n',
            f'alias(name = "base", actual = "@{repository}")\n',
        )
        assert f"/open/{image}" in (said := workspace.fails("//:base"))
        assert message in said


def test_credential_helper(workspace: Workspace, registry: str) -> None:
    config = workspace.home / ".docker" / "config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"credHelpers": {registry: "some"}}))
    workspace.write(
        pull(image=f"http://{registry}/open/everything@{digest(IMAGE)}")
        + 'use_repo(oci, "base_single")\n',
        'alias(name = "base", actual = "@base_single")\n',
    )
    try:
        said = workspace.fails("//:base")
        assert f"names a credential helper for {registry}; mirror mode reads no helper" in said
    finally:
        config.unlink()


def test_typical_modules_load(workspace: Workspace) -> None:
    """A MODULE.bazel as in rules_python's documentation; what is refused says so by its name."""
    workspace.write(
        'python = use_extension("@rules_python//python/extensions:python.bzl", "python")\n'
        'python.toolchain(python_version = "3.13", is_default = True)\n'
        'use_repo(python, "python_3_13")\n'
        'pip = use_extension("@rules_python//python/extensions:pip.bzl", "pip")\n'
        'pip.parse(hub_name = "pip", python_version = "3.13", requirements_lock = "//:lock.txt")\n'
        'use_repo(pip, "pip")\n'
        "oci.toolchains()\n"
        'use_repo(oci, "oci_crane_toolchains")\n',
        'load("@rules_python//python:defs.bzl", "py_library")\n'
        'py_library(name = "library")\n'
        'alias(name = "pip", actual = "@pip//requests")\n'
        'alias(name = "python", actual = "@python_3_13//:python3")\n'
        'alias(name = "crane", actual = "@oci_crane_toolchains//:current_toolchain")\n',
    )
    result = workspace.bazel("build", "//:library")
    assert result.returncode == 0, result.stderr
    for target, message in [
        ("pip", "@pip of pip.parse is not in mirror mode's stand-in of rules_python; lock the"),
        ("python", "@python_3_13 is not in mirror mode's stand-in of rules_python, whose one"),
        ("crane", "@oci_crane_toolchains is not in mirror mode's stand-in of rules_oci, which"),
    ]:
        said = workspace.fails(f"//:{target}")
        assert f"Error in fail: {message}" in said
        assert "see registry/README.md" in said


def test_other_python(workspace: Workspace) -> None:
    workspace.write(
        'python = use_extension("@rules_python//python/extensions:python.bzl", "python")\n'
        'python.toolchain(python_version = "3.11")\n'
        'use_repo(python, "python_3_11")\n',
        'alias(name = "python", actual = "@python_3_11//:python3")\n',
    )
    assert (
        'Error in fail: python.toolchain(python_version = "3.11"): '
        "mirror mode has the base image's 3.13 alone: see registry/README.md\n"
    ) in workspace.fails("//:python")
