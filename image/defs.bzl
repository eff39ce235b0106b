"""Turns a FastAPI application and its `uv.lock` into a reproducible OCI image.

A whole BUILD file, for an application whose `main.py` holds `app = FastAPI()`:

```starlark
load("@fastapi_image//image:defs.bzl", "fastapi_image")

fastapi_image(
    name = "image",
    srcs = glob(["app/**"]),
    strip_prefix = "app",
    pyproject = "//:pyproject.toml",
)
```

`bazel build :image` makes an OCI image layout for this machine's CPU, `bazel run :image_load` gives it
to the container engine, `bazel run :image_push -- --repository registry.example/shop` pushes the
image index of all platforms.
"""

load("//image/private:app_layer.bzl", _app_layer = "app_layer")
load("//image/private:bytecode_layer.bzl", _bytecode_layer = "bytecode_layer")
load("//image/private:fastapi_image.bzl", _fastapi_image = "fastapi_image")
load("//image/private:project_metadata.bzl", _project_metadata = "project_metadata")
load("//image/private:python_layers.bzl", _python_layers = "python_layers")
load("//image/private:start_check.bzl", _start_check = "start_check")
load("//image/private:venv_layer.bzl", _venv_layer = "venv_layer")

fastapi_image = _fastapi_image

# What fastapi_image is made of, for images that need it otherwise.
app_layer = _app_layer
bytecode_layer = _bytecode_layer
project_metadata = _project_metadata
python_layers = _python_layers
start_check = _start_check
venv_layer = _venv_layer
