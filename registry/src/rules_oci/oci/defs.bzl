"""Container images: the public rules, with the API of rules_oci 2.3.

```starlark
load("@rules_oci//oci:defs.bzl", "oci_image", "oci_load")

oci_image(
    name = "image",
    base = "@python_slim",
    tars = [":app.tar.gz"],
    entrypoint = ["uvicorn", "main:app"],
    exposed_ports = ["8000/tcp"],
)

oci_load(
    name = "load",
    image = ":image",
    repo_tags = ["app:latest"],
)
```
"""

load("//oci/private:image.bzl", _oci_image_rule = "oci_image")
load("//oci/private:image_index.bzl", _oci_image_index_rule = "oci_image_index")
load("//oci/private:load.bzl", _oci_load_rule = "oci_load")
load("//oci/private:macros.bzl", _oci_image = "oci_image", _oci_image_index = "oci_image_index", _oci_load = "oci_load", _oci_push = "oci_push")
load("//oci/private:push.bzl", _oci_push_rule = "oci_push")

oci_image = _oci_image
oci_image_index = _oci_image_index
oci_image_index_rule = _oci_image_index_rule
oci_image_rule = _oci_image_rule
oci_load = _oci_load
oci_push = _oci_push
oci_push_rule = _oci_push_rule

# The real module's name for the rule behind oci_load.
oci_tarball_rule = _oci_load_rule
