"""The public macros: sugar that writes values into the files that the rules take."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(":digest.bzl", "oci_digest")
load(":image.bzl", oci_image_rule = "oci_image")
load(":image_index.bzl", oci_image_index_rule = "oci_image_index")
load(":load.bzl", oci_load_rule = "oci_load")
load(":push.bzl", oci_push_rule = "oci_push")
load(":tool.bzl", "helper_attrs")

def _written(name, kind, lines, helper):
    """Declares a file of lines, without a newline at its end, and returns its target."""
    target = "{}_write_{}".format(name, kind)
    write_file(
        name = target,
        out = "{}.{}.txt".format(name, kind),
        content = lines,
        newline = "unix",
        **helper
    )
    return target

def _pairs(name, kind, value, helper):
    """A dict becomes a file of `key=value` lines; anything else is a label already."""
    if type(value) != "dict":
        return value
    return _written(name, kind, ["{}={}".format(key, text) for key, text in value.items()], helper)

def _arguments(name, kind, value, helper):
    """A list becomes a file of one argument a line, whose own newlines are written `%5Cn`."""
    if type(value) != "list":
        return value
    return _written(name, kind, [text.replace("\n", "%5Cn") for text in value], helper)

def _names(name, kind, value, helper):
    """A list becomes a file of comma-separated names."""
    return _written(name, kind, [",".join(value)], helper) if type(value) == "list" else value

def _lines(name, kind, value, helper):
    """A list becomes a file of lines."""
    return _written(name, kind, value, helper) if type(value) == "list" else value

def _digest(name, helper):
    oci_digest(
        name = name + ".digest",
        layout = name,
        out = name + ".json.sha256",
        **helper
    )

def oci_image(
        name,
        created = None,
        labels = None,
        annotations = None,
        env = None,
        cmd = None,
        entrypoint = None,
        exposed_ports = None,
        volumes = None,
        **kwargs):
    """An OCI image, and `<name>.digest`, a file with its digest.

    Args:
      name: name of the image.
      created: file with the date and time of the configuration. Default: the base's, or the epoch.
      labels: dict, or file of `key=value` lines.
      annotations: dict, or file of `key=value` lines.
      env: dict, or file of `NAME=value` lines. `$NAME` is a variable of the base or of an earlier line.
      cmd: list, or file of one argument a line.
      entrypoint: list, or file of one argument a line. Setting it drops the base's `cmd`.
      exposed_ports: list, or file of comma-separated ports such as `8000/tcp`.
      volumes: list, or file of comma-separated paths.
      **kwargs: `base`, `tars`, `user`, `workdir`, `os`, `architecture`, `variant` and the common attributes.
    """
    helper = helper_attrs(kwargs)
    oci_image_rule(
        name = name,
        created = created,
        labels = _pairs(name, "labels", labels, helper),
        annotations = _pairs(name, "annotations", annotations, helper),
        env = _pairs(name, "env", env, helper),
        cmd = _arguments(name, "cmd", cmd, helper),
        entrypoint = _arguments(name, "entrypoint", entrypoint, helper),
        exposed_ports = _names(name, "exposed_ports", exposed_ports, helper),
        volumes = _names(name, "volumes", volumes, helper),
        **kwargs
    )
    _digest(name, helper)

def oci_image_index(name, annotations = None, **kwargs):
    """An image index, and `<name>.digest`, a file with its digest.

    Args:
      name: name of the index.
      annotations: dict, or file of `key=value` lines.
      **kwargs: `images`, `platforms` and the common attributes.
    """
    helper = helper_attrs(kwargs)
    oci_image_index_rule(
        name = name,
        annotations = _pairs(name, "annotations", annotations, helper),
        **kwargs
    )
    _digest(name, helper)

def oci_load(name, repo_tags = None, **kwargs):
    """Loads an image into a container engine; the output group `tarball` is the image as one tar.

    Args:
      name: name of the target.
      repo_tags: list of names with tags, or file of one a line.
      **kwargs: `image`, `format`, `loader` and the common attributes.
    """
    oci_load_rule(
        name = name,
        repo_tags = _lines(name, "tags", repo_tags, helper_attrs(kwargs)),
        **kwargs
    )

def oci_push(name, remote_tags = None, **kwargs):
    """Pushes an image or an image index to a registry.

    Args:
      name: name of the target.
      remote_tags: list of tags, or file of one a line.
      **kwargs: `image`, `repository`, `repository_file` and the common attributes.
    """
    oci_push_rule(
        name = name,
        remote_tags = _lines(name, "tags", remote_tags, helper_attrs(kwargs)),
        **kwargs
    )
