"""Images that cover the attributes of oci_image and oci_image_index, through the public API alone.

The same targets can be built with the real rules_oci: their digests have to be the ones in goldens/.
"""

load("@rules_oci//oci:defs.bzl", "oci_image", "oci_image_index", "oci_load")
load(":base_layout.bzl", "base_layout")

# Everything that matrix() declares, by the kind of target.
IMAGES = [
    "everything",
    "annotations_merge",
    "arm_variant",
    "base_only",
    "based",
    "cmd_only",
    "docker_base",
    "empty",
    "entrypoint_drops_cmd",
    "env_expansion",
    "files",
    "formats",
    "foreign_base",
    "foreign_untouched",
    "odd_values",
    "same_layer_twice",
]
INDEXES = [
    "index",
    "platforms_index",
]

def matrix(name):
    """Declares the images and the indexes, a loader `load_<image>` and a tar `<image>.tar` for each image.

    Args:
      name: not used; the images have the names that IMAGES and INDEXES say.
    """
    _bases()
    _from_scratch()
    _on_bases()
    _indexes()
    for image in IMAGES:
        oci_load(
            name = "load_" + image,
            image = image,
            repo_tags = ["registry.example/{}:test".format(image)],
        )
        native.filegroup(
            name = image + ".tar",
            srcs = ["load_" + image],
            output_group = "tarball",
        )

def _bases():
    base_layout(
        name = "docker",
        config = "bases/docker/config.json",
        layers = ["layers/gzip.tgz"],
        manifest = "bases/docker/manifest.json",
        platform = "linux/amd64",
    )
    base_layout(
        name = "foreign",
        config = "bases/foreign/config.json",
        layers = ["layers/plain.tar"],
        manifest = "bases/foreign/manifest.json",
        platform = "linux/arm64",
    )

def _from_scratch():
    # The digest of this one is published.
    oci_image(
        name = "empty",
        architecture = "arm64",
        os = "linux",
    )
    oci_image(
        name = "arm_variant",
        architecture = "arm64",
        os = "linux",
        tars = ["layers/members.tar.gz"],
        variant = "v8",
    )
    oci_image(
        name = "formats",
        architecture = "amd64",
        os = "linux",
        tars = [
            "layers/plain.tar",
            "layers/gzip.tar.gz",
            "layers/gzip.tgz",
            "layers/zstd.tar.zst",
            "layers/zstd.tzst",
            "layers/members.tar.gz",
            "layers/gzip_in_disguise.tar",
        ],
    )
    oci_image(
        name = "same_layer_twice",
        architecture = "amd64",
        os = "linux",
        tars = [
            "layers/plain.tar",
            "layers/gzip.tar.gz",
            # Another label for the first one's contents: a generated file, whose owner is the rule.
            ":copy",
        ],
    )
    native.genrule(
        name = "copy",
        srcs = ["layers/plain.tar"],
        outs = ["copied.tar"],
        cmd = "cp $< $@",
    )
    oci_image(
        name = "everything",
        annotations = {"org.example.title": "everything", "org.example.b": "second"},
        architecture = "amd64",
        cmd = ["main:app", "--port", "8000"],
        created = "values/created",
        entrypoint = ["uvicorn"],
        env = {"PATH": "/app/.venv/bin:/usr/bin", "LANG": "C.UTF-8"},
        exposed_ports = ["8000/tcp", "9000/udp"],
        labels = {"maintainer": "nobody", "version": "1.0"},
        os = "linux",
        tars = ["layers/gzip.tgz"],
        user = "65532:65532",
        volumes = ["/data", "/cache"],
        workdir = "/app",
    )
    oci_image(
        name = "files",
        annotations = "values/annotations",
        architecture = "amd64",
        cmd = "values/arguments",
        created = "values/created",
        entrypoint = "values/arguments",
        env = "values/env",
        exposed_ports = "values/ports",
        labels = "values/labels",
        os = "linux",
        volumes = "values/volumes",
    )
    oci_image(
        name = "odd_values",
        architecture = "amd64",
        cmd = ["", "two\nlines", "%5Cn", "\"quoted\" \\ 'and' $HOME", "tab\there"],
        entrypoint = [],
        env = {},
        exposed_ports = [],
        labels = {"": "nameless", "equals": "a=b", "unicode": "Grüße 東京", "empty": "", "html": "<a & b>"},
        os = "linux",
        volumes = [],
    )

def _on_bases():
    oci_image(
        name = "base_only",
        base = ":everything",
    )
    oci_image(
        name = "based",
        annotations = {"org.example.c": "third"},
        base = ":everything",
        env = {"LANG": "de_DE.UTF-8", "NEW": "1"},
        exposed_ports = ["8000/tcp", "443/tcp"],
        labels = {"version": "2.0", "new": "yes"},
        tars = ["layers/gzip.tar.gz"],
        user = "1000",
        volumes = ["/more"],
        workdir = "/srv",
    )
    oci_image(
        name = "entrypoint_drops_cmd",
        base = ":everything",
        entrypoint = ["/bin/other"],
    )
    oci_image(
        name = "cmd_only",
        base = ":everything",
        cmd = ["other:app"],
    )
    oci_image(
        name = "annotations_merge",
        annotations = {"org.example.b": "replaced", "org.example.d": "new"},
        base = ":based",
    )
    oci_image(
        name = "env_expansion",
        base = ":docker",
        env = "values/env",
    )
    oci_image(
        name = "docker_base",
        base = ":docker",
        cmd = ["/bin/app"],
        entrypoint = ["/bin/init", "--"],
        env = {"PATH": "/app/bin:$PATH", "TWICE": "<$TWICE>"},
        labels = {"both": "image"},
        tars = [
            "layers/plain.tar",
            "layers/gzip.tar.gz",
            "layers/zstd.tar.zst",
        ],
    )
    oci_image(
        name = "foreign_base",
        annotations = {"org.example.title": "image"},
        base = ":foreign",
        created = "values/created",
        env = {"FIRST": "1"},
        labels = {"quote": "none"},
        tars = ["layers/gzip.tar.gz"],
        volumes = ["/more"],
    )
    oci_image(
        name = "foreign_untouched",
        base = ":foreign",
    )

def _indexes():
    oci_image_index(
        name = "index",
        images = [
            ":everything",
            ":arm_variant",
            ":docker_base",
        ],
    )
    native.platform(
        name = "linux_amd64",
        constraint_values = ["@platforms//cpu:x86_64", "@platforms//os:linux"],
    )
    native.platform(
        name = "linux_arm64",
        constraint_values = ["@platforms//cpu:aarch64", "@platforms//os:linux"],
    )
    oci_image(
        name = "for_platform",
        architecture = select({
            "@platforms//cpu:aarch64": "arm64",
            "@platforms//cpu:x86_64": "amd64",
        }),
        os = "linux",
        tars = ["layers/gzip.tgz"],
    )
    oci_image_index(
        name = "platforms_index",
        images = [":for_platform"],
        platforms = [
            ":linux_amd64",
            ":linux_arm64",
        ],
    )
