"""The rule container_structure_test."""

load("@rules_python//standin:launcher.bzl", "LAUNCHER_ATTRS", "TOOLCHAIN_TYPE", "launch", "rlocation")

_TYPE = Label("//bazel:structure_test_toolchain_type")

# Output groups in which a target may have the image apart from its default outputs, the better first.
_GROUPS = ["oci_layout", "oci_tarball"]

def _image_files(image):
    """The Files of the target in the attribute `image` that may be the image."""
    if OutputGroupInfo in image:
        for group in _GROUPS:
            if group in image[OutputGroupInfo]:
                return image[OutputGroupInfo][group].to_list()
    return image[DefaultInfo].files.to_list()

def _container_structure_test_impl(ctx):
    files = _image_files(ctx.attr.image)
    if len(files) != 1:
        fail("image should be one file, a layout or a .tar, {} has {}".format(ctx.attr.image.label, len(files)))
    image = files[0]
    is_tar = image.path.endswith(".tar")
    if ctx.attr.driver != "docker" and not is_tar:
        fail("with the driver {} the image should be a .tar, such as oci_load's output group tarball".format(ctx.attr.driver))
    binary = ctx.toolchains[_TYPE].st_info.binary
    spec = {
        "binary": rlocation(ctx, binary),
        "configs": [rlocation(ctx, config) for config in ctx.files.configs],
        "driver": ctx.attr.driver,
        "image": rlocation(ctx, image),
        "platform": ctx.attr.platform,
    }
    return launch(
        ctx,
        ctx.file._main,
        [],
        "test",
        spec,
        [image, binary] + ctx.files.configs,
        [ctx.attr.image[DefaultInfo].default_runfiles],
    )

container_structure_test = rule(
    implementation = _container_structure_test_impl,
    doc = """Tests files, contents, metadata and, with a container engine, commands of an image.

What a configuration can say: https://github.com/GoogleContainerTools/container-structure-test.""",
    attrs = LAUNCHER_ATTRS | {
        "configs": attr.label_list(
            allow_files = True,
            mandatory = True,
            doc = "Configurations, YAML or JSON with `schemaVersion: 2.0.0`.",
        ),
        "driver": attr.string(
            default = "docker",
            values = ["docker", "tar", "host"],
            doc = "`docker` needs an engine (DOCKER_HOST); `tar` reads the image and can run no command.",
        ),
        "image": attr.label(
            allow_files = True,
            doc = "One file: an OCI layout (driver `docker` only), or a docker-archive that ends in `.tar`.",
        ),
        "platform": attr.string(
            default = "linux/amd64",
            doc = "Platform of the image, for an engine that has several.",
        ),
        "_main": attr.label(
            allow_single_file = True,
            default = Label("//private:structure_test.py"),
        ),
    },
    test = True,
    toolchains = [TOOLCHAIN_TYPE, _TYPE],
)
