"""The provider PyInfo: Bazel 7's own, which has the fields `transitive_sources` and `imports`."""

load("//python/private:native.bzl", _PyInfo = "NATIVE_PY_INFO")

PyInfo = _PyInfo
