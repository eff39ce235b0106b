"""Repository rules: an image from a registry, as an OCI layout (OCI distribution specification 1.1)."""

load(":credentials.bzl", "ENVIRONMENT", "authorization")

_INDEX_TYPES = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]
_MANIFEST_TYPES = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]

# Bazel's name of the CPU that an image is for.
_CPUS = {
    "linux/386": "x86_32",
    "linux/amd64": "x86_64",
    "linux/arm/v7": "armv7",
    "linux/arm64": "aarch64",
    "linux/arm64/v8": "aarch64",
    "linux/ppc64le": "ppc",
    "linux/s390x": "s390x",
}

_BUILD = """\
load("@rules_oci//oci/private:layout.bzl", "oci_layout")

exports_files(["index.json"])

oci_layout(
    name = {name},
    srcs = glob(["blobs/**"]) + ["oci-layout"],
    index = "index.json",
    tags = {tags},
    visibility = ["//visibility:public"],
)
"""

_ALIAS_BUILD = """\
filegroup(
    name = "digest",
    srcs = ["digest.txt"],
    visibility = ["//visibility:public"],
)

alias(
    name = {name},
    actual = {actual},
    visibility = ["//visibility:public"],
)
"""

_COMMON_ATTRS = {
    "bazel_tags": attr.string_list(),
    "config": attr.label(allow_single_file = True),
    "identifier": attr.string(mandatory = True, doc = "Digest or tag."),
    "registry": attr.string(mandatory = True),
    "repository": attr.string(mandatory = True),
    "scheme": attr.string(default = "https", values = ["http", "https"]),
    "target_name": attr.string(mandatory = True),
    "www_authenticate_challenges": attr.string_dict(),
}

def _name(rctx):
    separator = "@" if ":" in rctx.attr.identifier else ":"
    return "{}/{}{}{}".format(rctx.attr.registry, rctx.attr.repository, separator, rctx.attr.identifier)

def _download(rctx, auth, kind, identifier, output, block = True):
    """Fetches a manifest or a blob; returns the pending download when it does not block."""
    url = "{}://{}/v2/{}/{}/{}".format(rctx.attr.scheme, rctx.attr.registry, rctx.attr.repository, kind, identifier)
    options = {"auth": {url: auth}} if auth else {}
    if kind == "manifests":
        options["headers"] = {"Accept": ", ".join(_INDEX_TYPES + _MANIFEST_TYPES)}
        options["allow_fail"] = True
    result = rctx.download(
        url,
        output,
        sha256 = identifier.removeprefix("sha256:") if ":" in identifier else "",
        block = block,
        **options
    )
    if kind == "manifests" and not result.success:
        fail("oci.pull: the manifest of {} cannot be had from {}: is there such an image, is the registry reachable, does it want `docker login`?".format(_name(rctx), url))
    return result

def _manifest(rctx, auth, identifier, output):
    """Fetches a manifest: its contents, digest, size and media type."""
    if rctx.attr.scheme == "http" and ":" not in identifier:
        fail("oci.pull: {} has no digest: without TLS Bazel fetches nothing that it cannot check".format(_name(rctx)))
    result = _download(rctx, auth, "manifests", identifier, output)
    text = rctx.read(output)
    document = json.decode(text)
    media_type = document.get("mediaType") or (_INDEX_TYPES[0] if "manifests" in document else _MANIFEST_TYPES[0])
    if document.get("schemaVersion") != 2 or media_type not in _INDEX_TYPES + _MANIFEST_TYPES:
        fail("oci.pull: {} is of a kind that is not supported: {}".format(_name(rctx), media_type))
    return struct(
        digest = "sha256:" + result.sha256,
        document = document,
        is_index = media_type in _INDEX_TYPES,
        media_type = media_type,
        size = len(text),
    )

def _platform(document):
    parts = [document.get("os"), document.get("architecture"), document.get("variant")]
    return "/".join([part for part in parts if part])

def _same_platform(wanted, found):
    # arm64 has one variant, which may be left out.
    return wanted == found or (wanted + "/v8" == found or wanted == found + "/v8") and "/arm64" in wanted

def _blob(digest):
    return "blobs/" + digest.replace(":", "/", 1)

def _oci_pull_impl(rctx):
    auth = authorization(rctx)
    manifest = _manifest(rctx, auth, rctx.attr.identifier, "manifest.json")
    wanted = rctx.attr.platform
    if manifest.is_index:
        entries = {}
        for entry in manifest.document["manifests"]:
            # Of two for one platform, the first.
            entries.setdefault(_platform(entry.get("platform", {})), entry)
        if not wanted:
            fail("oci.pull: {} is an index: give 'platforms', of {}".format(_name(rctx), ", ".join(entries)))
        if wanted not in entries:
            fail("oci.pull: {} has no image for {}: there is {}".format(_name(rctx), wanted, ", ".join(entries)))
        manifest = _manifest(rctx, auth, entries[wanted]["digest"], "platform-manifest.json")
        rctx.symlink("platform-manifest.json", _blob(manifest.digest))
    else:
        rctx.symlink("manifest.json", _blob(manifest.digest))

    config_digest = manifest.document["config"]["digest"]
    _download(rctx, auth, "blobs", config_digest, _blob(config_digest))
    config = json.decode(rctx.read(_blob(config_digest)))
    if wanted and not _same_platform(wanted, _platform(config)):
        fail("oci.pull: {} is for {}, not for {}".format(_name(rctx), _platform(config), wanted))

    digests = {layer["digest"]: True for layer in manifest.document["layers"]}
    pending = [_download(rctx, auth, "blobs", digest, _blob(digest), block = False) for digest in digests]
    for download in pending:
        download.wait()

    descriptor = {"mediaType": manifest.media_type, "size": manifest.size, "digest": manifest.digest}
    if wanted:
        parts = wanted.split("/")
        descriptor["platform"] = {"os": parts[0], "architecture": parts[1]}
        if len(parts) > 2:
            descriptor["platform"]["variant"] = parts[2]
    index = {"schemaVersion": 2, "mediaType": _INDEX_TYPES[0], "manifests": [descriptor]}
    rctx.file("index.json", json.encode_indent(index, indent = "  ") + "\n")
    rctx.file("oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}\n")
    rctx.file("BUILD.bazel", _BUILD.format(
        name = repr(rctx.attr.target_name),
        tags = repr(rctx.attr.bazel_tags),
    ))

oci_pull = repository_rule(
    implementation = _oci_pull_impl,
    doc = "An image of one platform, with its layers as the registry has them.",
    attrs = _COMMON_ATTRS | {
        "platform": attr.string(doc = "`os/architecture` or `os/architecture/variant`; mandatory for an index."),
    },
    environ = ENVIRONMENT,
)

def _oci_alias_impl(rctx):
    digest = rctx.attr.identifier
    if ":" not in digest:
        manifest = _manifest(rctx, authorization(rctx), rctx.attr.identifier, "manifest.json")
        digest = manifest.digest
        if rctx.attr.reproducible:
            # buildifier: disable=print
            print("\noci.pull: {} may change; to pin it, set digest = \"{}\"".format(_name(rctx), digest))
    rctx.file("digest.txt", digest)

    images = rctx.attr.images
    choices = {
        # Of this module's platforms: the generated repository sees none.
        str(Label("@platforms//cpu:" + _CPUS[platform])): "@{0}//:{0}".format(name)
        for name, platform in images.items()
        if platform in _CPUS
    }
    if choices:
        actual = "select({}, no_match_error = {})".format(
            repr(choices),
            repr("{} is for {} alone".format(_name(rctx), ", ".join(images.values()))),
        )
    else:
        # One image, or platforms that Bazel has no name for: those have a repository each.
        actual = repr("@{0}//:{0}".format(images.keys()[0]))
    rctx.file("BUILD.bazel", _ALIAS_BUILD.format(name = repr(rctx.attr.target_name), actual = actual))

oci_alias = repository_rule(
    implementation = _oci_alias_impl,
    doc = "The image for the target platform's CPU, of those that were pulled; and `:digest`.",
    attrs = _COMMON_ATTRS | {
        "images": attr.string_dict(mandatory = True, doc = "Platform of each repository, by its name."),
        "reproducible": attr.bool(default = True),
    },
    environ = ENVIRONMENT,
)
