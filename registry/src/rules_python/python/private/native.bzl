"""Bazel 7's own Python providers under names that a file of the providers' own name can load."""

# buildifier: disable=native-py
NATIVE_PY_INFO = PyInfo

# buildifier: disable=native-py
NATIVE_PY_RUNTIME_INFO = PyRuntimeInfo
