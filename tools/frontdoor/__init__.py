"""What `tools/bazel` is made of; Python standard library only, cheap to import.

Modules that only a set-up or `--doctor` needs are imported where they are used: a warm command
pays for `main`, `mirror` and what these import at their top.
"""
