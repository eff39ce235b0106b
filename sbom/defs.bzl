"""Says what is in an image, where it came from, and whether its licences are wanted.

`fastapi_image()` makes all of this for its own images, as `<name>_sbom_linux_amd64` and so on. For another image:

```starlark
load("@fastapi_image//sbom:defs.bzl", "image_provenance", "image_sbom")

image_sbom(
    name = "sbom",
    distributions = "@pypi//:runtime_linux_amd64",
    image = ":image_linux_amd64",
)

image_provenance(
    name = "provenance",
    base = "//image/base:linux_amd64",
    image = ":image_linux_amd64",
    materials = ["//:uv.lock"],
)
```

Nothing of this is part of the image: its digest is the same with and without.
"""

load("//sbom/private:attestations.bzl", _attestations = "attestations", _attested_push = "attested_push")
load("//sbom/private:audit.bzl", _audit = "audit")
load("//sbom/private:image_provenance.bzl", _image_provenance = "image_provenance")
load("//sbom/private:image_sbom.bzl", _image_sbom = "image_sbom")

attestations = _attestations
attested_push = _attested_push
audit = _audit
image_provenance = _image_provenance
image_sbom = _image_sbom
