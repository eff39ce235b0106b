"""The provider PyRuntimeInfo: Bazel 7's own, which has the fields `interpreter` and `files`."""

load("//python/private:native.bzl", _PyRuntimeInfo = "NATIVE_PY_RUNTIME_INFO")

PyRuntimeInfo = _PyRuntimeInfo
