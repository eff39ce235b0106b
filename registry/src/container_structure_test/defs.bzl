"""Tests of an image's contents, with the API of container_structure_test 1.22.

```starlark
load("@container_structure_test//:defs.bzl", "container_structure_test")

container_structure_test(
    name = "image_test",
    configs = ["image_test.yaml"],
    driver = "tar",
    image = ":image.tar",
)
```
"""

load("//private:container_structure_test.bzl", _container_structure_test = "container_structure_test")

container_structure_test = _container_structure_test
