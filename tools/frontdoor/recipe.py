"""What the private root file system of mirror mode is made of."""

from __future__ import annotations

import os
import zlib

# Debian testing: the one suite whose Bazel is of version 7.
SUITE = "forky"

PACKAGES = (
    # Bazel, the Java that its server runs on, and the rule modules that registry/ points to.
    "bazel-bootstrap",
    "default-jre-headless",
    "bazel-features",
    "bazel-lib",
    "bazel-platforms",
    "bazel-rules-cc",
    "bazel-rules-java",
    "bazel-rules-license",
    "bazel-rules-pkg",
    "bazel-rules-proto",
    "bazel-rules-python",
    "bazel-rules-shell",
    "bazel-skylib",
    # Registry clients behind the rules_oci stand-in, and what its runnables call.
    "crane",
    "jq",
    "skopeo",
    "umoci",
    "zstd",
    # Signs what `bazel run //image:push -- --key` pushed.
    "cosign",
    # The clock of tools/verify-reproducible's second build.
    "libfaketime",
    # `pip download` fetches the pinned uv; python3.13 is what a 3.13 lock is resolved with.
    "python3-pip",
    "python3.13",
    # Bazel's git repositories, TLS, and the keys that a base image's packages are checked with.
    "ca-certificates",
    "debian-archive-keyring",
    "git",
    # Everything that Debian packages take for granted.
    "?essential",
)

# Dependencies of these that are left out: half of the download, and Bazel's server needs the
# runtime only. Nothing here compiles Java.
LEFT_OUT = ("default-jdk-headless",)

# Not unpacked: nobody reads manuals in there, and Debian's system-wide bazelrc is not for us.
EXCLUDED = (
    "./etc/bazel",
    "./usr/share/doc",
    "./usr/share/doc-base",
    "./usr/share/info",
    "./usr/share/lintian",
    "./usr/share/locale",
    "./usr/share/man",
)

# Debian's names of the CPUs.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_LIBRARIES = f"../../lib/{os.uname().machine}-linux-gnu"

# Packages are unpacked and not configured, so the links that update-alternatives would make are
# made here.
LINKS = {
    "usr/bin/awk": "mawk",
    "usr/bin/c++": "g++",
    "usr/bin/cc": "gcc",
    "usr/bin/java": "../lib/jvm/default-java/bin/java",
    "usr/bin/keytool": "../lib/jvm/default-java/bin/keytool",
    "usr/bin/which": "which.debianutils",
    # By what Bazel's server compresses logs and a remote cache's blobs: it looks nowhere else.
    "usr/share/bazel/libzstd-jni.so": f"{_LIBRARIES}/libzstd-jni.so",
}

# What a set-up takes: packages, their unpacked files, and package lists.
BYTES_NEEDED = 1_900_000_000

_FORMAT = 2  # counts up when the way of making it changes


def key() -> str:
    """Names this recipe on this CPU; another recipe gets another root file system."""
    text = repr((_FORMAT, SUITE, PACKAGES, LEFT_OUT, EXCLUDED, LINKS))
    machine = os.uname().machine
    return f"{SUITE}-{ARCHITECTURES.get(machine, machine)}-{zlib.crc32(text.encode()):08x}"
