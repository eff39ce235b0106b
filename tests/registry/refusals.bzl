"""Targets that a stand-in refuses, each with a test of its one-line message."""

load("@container_structure_test//:defs.bzl", "container_structure_test")
load("@rules_oci//oci:defs.bzl", "oci_image", "oci_image_index", "oci_push")
load("@rules_python//python:defs.bzl", "py_binary", "py_test")
load("@rules_python//python:packaging.bzl", "py_wheel")
load("@rules_python//python/entry_points:py_console_script_binary.bzl", "py_console_script_binary")
load(":failure_test.bzl", "failure_test")

_NOT_HERE = "{} is not in mirror mode's stand-in of rules_python: see registry/README.md"

# Not built by `//...`: they exist to fail.
_TAGS = ["manual"]

def refusals(name, **kwargs):
    """Declares the targets and their tests, `<target>_test`.

    Args:
      name: not used; the targets are named after what is wrong with them.
      **kwargs: attributes of the tests.
    """
    messages = _images() | _tests() | _python()
    for target, message in messages.items():
        failure_test(
            name = target + "_is_refused_test",
            message = message,
            target = target,
            **kwargs
        )

def _images():
    oci_image(
        name = "platform_missing",
        os = "linux",
        tags = _TAGS,
    )
    oci_image(
        name = "platform_given_twice",
        base = ":everything",
        tags = _TAGS,
        variant = "v8",
    )
    oci_image_index(
        name = "platforms_of_two_images",
        images = [
            ":everything",
            ":formats",
        ],
        platforms = [":linux_amd64"],
        tags = _TAGS,
    )
    oci_image_index(
        name = "index_of_nothing",
        images = [],
        tags = _TAGS,
    )
    oci_push(
        name = "repository_with_a_tag",
        image = ":everything",
        repository = "registry.example:5000/app:1.0",
        tags = _TAGS,
    )
    oci_push(
        name = "push_of_a_file",
        image = "layers/plain.tar",
        repository = "registry.example/app",
        tags = _TAGS,
    )
    return {
        "index_of_nothing": "images names no image",
        "platform_given_twice": "os, architecture and variant come from the image in 'base' and cannot be given with it",
        "platform_missing": "without 'base', os and architecture are mandatory",
        "platforms_of_two_images": "with 'platforms', images names exactly one image",
        "push_of_a_file": "image should be an oci_image or an oci_image_index",
        "repository_with_a_tag": "repository should have no digest and no tag, got registry.example:5000/app:1.0",
    }

def _tests():
    container_structure_test(
        name = "structure_of_a_layout",
        configs = ["structure/holds.yaml"],
        driver = "tar",
        image = ":everything",
        tags = _TAGS,
    )
    container_structure_test(
        name = "structure_of_two_files",
        configs = ["structure/holds.yaml"],
        image = ":two_files",
        tags = _TAGS,
    )
    native.filegroup(
        name = "two_files",
        srcs = [
            "layers/gzip.tgz",
            "layers/plain.tar",
        ],
    )
    return {
        "structure_of_a_layout": "with the driver tar the image should be a .tar, such as oci_load's output group tarball",
        "structure_of_two_files": "image should be one file, a layout or a .tar, @@//tests/registry:two_files has 2",
    }

def _python():
    py_test(
        name = "main_module",
        srcs = ["layouts.py"],
        main_module = "tests.registry.layouts",
        tags = _TAGS,
    )
    py_binary(
        name = "python_3_11",
        srcs = ["layouts.py"],
        main = "layouts.py",
        python_version = "3.11",
        tags = _TAGS,
    )
    py_wheel(
        name = "wheel",
        distribution = "app",
        tags = _TAGS,
        version = "1.0",
    )
    native.filegroup(
        name = "entry_points",
        srcs = ["values/entry_points.txt"],
    )
    py_console_script_binary(
        name = "console_script",
        # In hub mode it is a target like any other, and the real rule reads this at once.
        entry_points_txt = ":entry_points",
        pkg = "@pypi//pytest",
        script = "pytest",
        tags = _TAGS,
    )
    return {
        "console_script": _NOT_HERE.format("py_console_script_binary"),
        "main_module": _NOT_HERE.format("py_test(main_module)"),
        "python_3_11": _NOT_HERE.format("py_binary(python_version = \"3.11\")"),
        "wheel": _NOT_HERE.format("py_wheel"),
    }
