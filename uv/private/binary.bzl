"""Repository rule that brings the pinned uv binary."""

load(":index.bzl", "download")

_VERSION = "0.13.9"

# The wheel of each version: its platform tag, by the machine's CPU as Bazel names it, and its SHA-256. The version that
# isn't `_VERSION` is for `--repo_env=FASTAPI_IMAGE_UV=…`: tools/verify-reproducible builds once with it, as no version
# may reach the bytes.
_TAGS = {
    "aarch64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64",
}
_WHEELS = {
    "0.12.0": {
        "aarch64": "effc2de9f044e880306f3c52b048bf24ee4fe63429c82dd6509c9a0f3d1b8f0b",
        "amd64": "cbff74f884846d794713670faf8abe10db3bd70c43b01e63223f74eb7d958689",
    },
    "0.13.9": {
        "aarch64": "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
        "amd64": "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    },
}

_BUILD = """\
exports_files(["pin", "uv"], visibility = ["//visibility:public"])
"""

def uv_path(ctx, pin):
    """Path of the uv binary beside the file `pin`.

    Bazel hashes every file that a module extension names by its label whenever the lock has changed, and forty
    megabytes of uv took longer than all the rest. So it names a few bytes that say which uv it is.

    Args:
        ctx: context of a repository rule or a module extension.
        pin: label of the file.
    """
    return ctx.path(pin).dirname.get_child("uv")

def _is_pinned(rctx, uv, version):
    result = rctx.execute([uv, "--version"])
    return result.return_code == 0 and result.stdout.split(" ")[1:2] == [version]

def _uv_binary_impl(rctx):
    rctx.file("BUILD.bazel", _BUILD)
    version = rctx.getenv("FASTAPI_IMAGE_UV", _VERSION)
    if version not in _WHEELS:
        fail("FASTAPI_IMAGE_UV={}: the versions that are pinned are {}.".format(version, ", ".join(_WHEELS)))
    rctx.file("pin", "uv {}\n".format(version))
    arch = {"x86_64": "amd64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    if not rctx.os.name.startswith("linux") or arch not in _TAGS:
        fail("uv {} is pinned for Linux on x86_64 and aarch64; this machine is {} on {}.".format(version, rctx.os.name, arch))

    file = "uv-{}-py3-none-{}.whl".format(version, _TAGS[arch])
    problem = download(rctx, "uv", file, _WHEELS[version][arch])
    if not problem:
        rctx.symlink(file, "uv.zip")
        rctx.extract("uv.zip", "wheel")
        rctx.execute(["mv", "wheel/uv-{}.data/scripts/uv".format(version), "uv"])
        rctx.execute(["chmod", "0755", "uv"])
        for leftover in ["uv.zip", file, "wheel"]:
            rctx.delete(leftover)
        if not _is_pinned(rctx, rctx.path("uv"), version):
            rctx.delete("uv")
            fail("The uv from the pinned wheel does not run on this machine.")
        return

    # Without the wheel's hash, but of the pinned version: what a machine without an index can offer.
    installed = rctx.which("uv")
    if not installed or not _is_pinned(rctx, installed, version):
        fail("uv {}: its wheel can't be had: {}. Or put a uv of exactly version {} on PATH.".format(version, problem, version))
    rctx.symlink(installed, "uv")

uv_binary = repository_rule(
    doc = """The pinned uv, as `@<name>//:uv`, and a file that says which one it is, as `@<name>//:pin`.

Bazel downloads uv's wheel by the SHA-256 here, from where index.bzl says. Where it can't be had, a uv of exactly this
version on PATH is taken. Fails, naming the remedy, when there is neither, or on a machine that is not Linux on x86_64
or aarch64.""",
    implementation = _uv_binary_impl,
    environ = ["FASTAPI_IMAGE_UV"],
)
