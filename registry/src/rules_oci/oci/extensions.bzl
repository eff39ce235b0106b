"""The module extension `oci`: base images from a registry.

```starlark
oci = use_extension("@rules_oci//oci:extensions.bzl", "oci")
oci.pull(
    name = "python_slim",
    digest = "sha256:…",
    image = "docker.io/library/python",
    platforms = ["linux/amd64", "linux/arm64/v8"],
)
use_repo(oci, "python_slim", "python_slim_linux_amd64", "python_slim_linux_arm64_v8")
```
"""

load("@rules_python//standin:refused_repository.bzl", "refused_repository")
load("//oci/private:pull.bzl", "oci_alias", "oci_pull")
load("//oci/private:reference.bzl", "parse_reference")

def _reference(tag):
    """What a `pull` tag names; fails with one line when it does not name one image."""
    where = "oci.pull(name = \"{}\"): ".format(tag.name)
    if bool(tag.image) == bool(tag.registry or tag.repository):
        fail(where + "give either image, or registry and repository")
    if bool(tag.registry) != bool(tag.repository):
        fail(where + "registry and repository go together")
    if tag.image:
        reference = parse_reference(tag.image)
    else:
        reference = struct(
            digest = None,
            registry = tag.registry,
            repository = tag.repository,
            scheme = "https",
            tag = None,
        )
    identifier = reference.digest or tag.digest or reference.tag or tag.tag
    if not identifier:
        fail(where + "give a digest or a tag")
    return reference, identifier

def _pull(tag):
    """Declares the repositories of a `pull` tag and returns their names, the alias first."""
    reference, identifier = _reference(tag)
    common = {
        "bazel_tags": tag.bazel_tags,
        "config": tag.config,
        "identifier": identifier,
        "registry": reference.registry,
        "repository": reference.repository,
        "scheme": reference.scheme,
        "www_authenticate_challenges": tag.www_authenticate_challenges,
    }
    images = {}
    for platform in tag.platforms:
        name = "_".join([tag.name] + platform.split("/"))
        oci_pull(name = name, platform = platform, target_name = name, **common)
        images[name] = platform
    if not images:
        name = tag.name + "_single"
        oci_pull(name = name, target_name = name, **common)
        images[name] = ""
    oci_alias(
        name = tag.name,
        images = images,
        reproducible = tag.reproducible,
        target_name = tag.name,
        **common
    )
    return [tag.name] + [name for name, platform in images.items() if platform]

def _oci_impl(module_ctx):
    direct, direct_dev = [], []
    reproducible = True
    tools = {}
    for module in module_ctx.modules:
        for tag in module.tags.pull:
            names = _pull(tag)
            reproducible = reproducible and _reference(tag)[1].startswith("sha256:")
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).extend(names)
        for tag in module.tags.toolchains:
            names = [tag.name + "_crane_toolchains", tag.name + "_regctl_toolchains"]
            tools |= {name: True for name in names}
            if module.is_root:
                (direct_dev if module_ctx.is_dev_dependency(tag) else direct).extend(names)
    for name in tools:
        refused_repository(
            name = name,
            message = "@{} is not in mirror mode's stand-in of rules_oci, which runs crane from PATH: see registry/README.md".format(name),
        )
    return module_ctx.extension_metadata(
        reproducible = reproducible,
        root_module_direct_deps = direct,
        root_module_direct_dev_deps = direct_dev,
    )

oci = module_extension(
    implementation = _oci_impl,
    doc = "Declares base images. Each is fetched when something is built on it.",
    tag_classes = {
        "pull": tag_class(
            attrs = {
                "bazel_tags": attr.string_list(doc = "Tags of the generated targets."),
                "config": attr.label(doc = "Docker's `config.json`. Default: where `docker login` keeps it."),
                "digest": attr.string(doc = "Digest of the image or its index, `sha256:<hex>`."),
                "image": attr.string(doc = "Registry and repository, such as `docker.io/library/python`; `http://` before it for a registry without TLS."),
                "name": attr.string(doc = "Name of the repository; its image is `@<name>`.", mandatory = True),
                "platforms": attr.string_list(doc = "Platforms, `os/architecture` or `os/architecture/variant`; mandatory for an index."),
                "registry": attr.string(doc = "Host and port, with `repository` in place of `image`."),
                "repository": attr.string(doc = "Path below the registry."),
                "reproducible": attr.bool(default = True, doc = "False: no warning about a tag without a digest."),
                "tag": attr.string(doc = "Tag; with a digest it is a comment, without one the image may change."),
                "www_authenticate_challenges": attr.string_dict(doc = "WWW-Authenticate header that a registry sends, by its host."),
            },
        ),
        "toolchains": tag_class(
            attrs = {"name": attr.string(default = "oci", doc = "Prefix of the repositories.")},
            doc = "Accepted; its repositories are refused when something of them is built.",
        ),
    },
)
