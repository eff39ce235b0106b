"""Repository rule that brings the pinned uv binary."""

_VERSION = "0.13.9"

# SHA-256 of each version's wheel, by the machine's CPU as Bazel names it. The version that isn't `_VERSION` is for
# `--repo_env=FASTAPI_IMAGE_UV=…`: tools/verify-reproducible builds once with it, as no version may reach the bytes.
_WHEELS = {
    "0.12.0": {
        "aarch64": "c818bb6aead39652e2ad644583fa418ac8d92baf50b4c6f685738bb2598e33bd",
        "amd64": "cbff74f884846d794713670faf8abe10db3bd70c43b01e63223f74eb7d958689",
    },
    "0.13.9": {
        "aarch64": "ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375",
        "amd64": "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    },
}

_BUILD = """\
exports_files(["pin", "uv"], visibility = ["//visibility:public"])
"""

def uv_path(ctx, pin):
    """Path of the uv binary beside the file `pin`.

    Bazel hashes every file that a repository names by its label whenever the lock has changed: forty megabytes of uv
    for each locked distribution took longer than all the rest of the build. So they name a few bytes that say which
    uv it is.

    Args:
        ctx: context of a repository rule or a module extension.
        pin: label of the file.
    """
    return ctx.path(pin).dirname.get_child("uv")

def _is_pinned(rctx, uv, version):
    result = rctx.execute([uv, "--version"])
    return result.return_code == 0 and result.stdout.split(" ")[1:2] == [version]

def _pip_download(rctx, python):
    """Has this Python's pip download the wheel; returns whether there is a pip at all."""

    # pip's own configuration says which index it asks. What it prints may hold the index's address and
    # credentials: that is for the user's own `pip download` to show, not for us.
    result = rctx.execute([
        python,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--requirement=wheel/requirements.txt",
        "--dest=wheel",
        "--quiet",
        "--disable-pip-version-check",
    ], timeout = 600)
    return result.return_code == 0 or "No module named pip" not in result.stderr

def _download(rctx, version, sha256):
    """Puts uv from its wheel into the repository; returns what went wrong, or None."""
    rctx.file("wheel/requirements.txt", "uv=={} --hash=sha256:{}\n".format(version, sha256))
    python = rctx.which("python3")
    asked = python and _pip_download(rctx, python)
    if not asked and rctx.attr.python:
        # Fetched only if the machine's own can't.
        asked = _pip_download(rctx, rctx.path(rctx.attr.python))
    if not asked:
        rctx.delete("wheel")
        return "uv {} is brought by pip, and there is no pip here: install python3-pip.".format(version)
    wheels = [path for path in rctx.path("wheel").readdir() if path.basename.endswith(".whl")]
    if len(wheels) == 1:
        rctx.symlink(wheels[0], "wheel/uv.zip")
        rctx.extract("wheel/uv.zip", "wheel")
        rctx.execute(["mv", "wheel/uv-{}.data/scripts/uv".format(version), "uv"])
        rctx.execute(["chmod", "0755", "uv"])
    rctx.delete("wheel")
    if len(wheels) != 1:
        return "pip could not download uv {0} (wheel with sha256 {1}): run `python3 -m pip download --no-deps uv=={0}` and mend what it says.".format(version, sha256)
    if not _is_pinned(rctx, rctx.path("uv"), version):
        rctx.delete("uv")
        return "The uv from the pinned wheel does not run on this machine."
    return None

def _uv_binary_impl(rctx):
    rctx.file("BUILD.bazel", _BUILD)
    version = rctx.getenv("FASTAPI_IMAGE_UV", _VERSION)
    if version not in _WHEELS:
        fail("FASTAPI_IMAGE_UV={}: the versions that are pinned are {}.".format(version, ", ".join(_WHEELS)))
    rctx.file("pin", "uv {}\n".format(version))
    wheels = _WHEELS[version]
    arch = {"x86_64": "amd64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    if not rctx.os.name.startswith("linux") or arch not in wheels:
        fail("uv {} is pinned for Linux on x86_64 and aarch64; this machine is {} on {}.".format(version, rctx.os.name, arch))

    problem = _download(rctx, version, wheels[arch])
    if not problem:
        return

    # Without the wheel's hash, but of the pinned version: what a machine without pip can offer.
    installed = rctx.which("uv")
    if not installed or not _is_pinned(rctx, installed, version):
        fail(problem + " Or put a uv of exactly version {} on PATH.".format(version))
    rctx.symlink(installed, "uv")

uv_binary = repository_rule(
    doc = """The pinned uv, as `@<name>//:uv`, and a file that says which one it is, as `@<name>//:pin`.

pip brings uv's wheel, checked against the SHA-256 here, from the index that the machine's pip is configured for.
Where no pip can, a uv of exactly this version on PATH is taken. Fails, naming the remedy, when there is neither,
or on a machine that is not Linux on x86_64 or aarch64.""",
    implementation = _uv_binary_impl,
    attrs = {
        "python": attr.label(
            allow_single_file = True,
            doc = "An interpreter that ships pip, asked when the machine's python3 has none.",
        ),
    },
    environ = ["FASTAPI_IMAGE_UV", "PATH"],
)
