"""Repository rule: the .deb files that the lock pins for one CPU."""

_MIRROR = "FASTAPI_IMAGE_DEBIAN_MIRROR"
_SECURITY_MIRROR = "FASTAPI_IMAGE_DEBIAN_SECURITY_MIRROR"
_REFRESH = "bazel run //image/base:lock"

_BUILD = """\
exports_files(glob(["*.deb"]) + ["packages.json"])

filegroup(
    name = "packages",
    srcs = glob(["*.deb"]),
    visibility = ["//visibility:public"],
)
"""

def _mirrors(rctx):
    debian = (rctx.getenv(_MIRROR) or "").rstrip("/")
    if not debian:
        fail("{} is not set: give the base address of a Debian mirror, ".format(_MIRROR) +
             "such as https://mirror.example/debian (tools/bazel sets it in mirror mode)")
    security = (rctx.getenv(_SECURITY_MIRROR) or "").rstrip("/") or debian + "-security"
    return {"debian": debian, "debian-security": security}

def _urls(package, mirrors):
    """Where a package may lie: a point release moves security updates into the main archive."""
    urls = ["{}/{}".format(mirrors[package["archive"]], package["path"])]
    if package["archive"] == "debian-security":
        urls.append("{}/{}".format(mirrors["debian"], package["path"].replace("pool/updates/", "pool/", 1)))
    return urls

def _debian_packages_impl(rctx):
    lock = json.decode(rctx.read(rctx.attr.lock), default = None)
    if type(lock) != "dict" or rctx.attr.architecture not in lock.get("packages", {}):
        fail("{} is no lock of Debian packages: write it anew by {}".format(rctx.attr.lock, _REFRESH))
    lock = lock["packages"]
    mirrors = _mirrors(rctx)

    # All downloads run at once; wait() tells how each ended.
    packages = lock[rctx.attr.architecture]
    downloads = [
        (package, rctx.download(
            _urls(package, mirrors),
            package["name"] + ".deb",
            sha256 = package["sha256"],
            allow_fail = True,
            block = False,
        ))
        for package in packages
    ]
    missing = [
        "{name} {version} ({architecture})".format(**package)
        for package, download in downloads
        if not download.wait().success
    ]
    if missing:
        fail(("the Debian mirror does not serve these locked packages (any more), or not with the locked content: " +
              "{}. See the warnings above; if the mirror works, refresh the lock: {}").format(
            ", ".join(missing),
            _REFRESH,
        ))

    # What an unpacked interpreter is told apart by, and what tests read.
    rctx.file("packages.json", json.encode_indent(packages, indent = "  ") + "\n")
    rctx.file("BUILD.bazel", _BUILD)

debian_packages = repository_rule(
    implementation = _debian_packages_impl,
    doc = """Downloads the packages of one CPU as `<package>.deb`.

    Bazel's downloader checks each against the lock's sha256 and keeps it in the repository cache,
    so a refreshed lock downloads only what changed.""",
    attrs = {
        "architecture": attr.string(doc = "Debian's name of the CPU.", values = ["amd64", "arm64"], mandatory = True),
        "lock": attr.label(doc = "The lock that `bazel run //image/base:lock` writes.", allow_single_file = True, mandatory = True),
    },
)
