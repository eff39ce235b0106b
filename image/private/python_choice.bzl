"""Which Python an image has: the one that is asked for, or the lock's."""

load("//tools:pythons.bzl", "PYTHONS", "python_missing", "python_suffix")

# buildifier: disable=unused-variable
def lock_pythons(pypi):
    """What tells which Python a lock's distributions are for.

    Args:
        pypi: the repository of the lock, such as "@pypi".

    Returns:
        dict from version to the label of a `config_setting`, of which exactly one is true.
    """
    return {version: "{}//:python_{}".format(pypi, python_suffix(version)) for version in PYTHONS}

def by_python(python, settings, target):
    """A target that there is one of for each Python.

    Args:
        python: a version such as "3.14", or None for that of `settings`.
        settings: as `lock_pythons` returns them.
        target: the target's label; `{}` in it stands for the version, as "3_14".

    Returns:
        a label, or a `select()` of labels. Fails if there is no such Python.
    """
    if python == None and settings:
        return select({
            setting: target.format(python_suffix(version))
            for version, setting in settings.items()
        })
    version = python or PYTHONS[0]
    if version not in PYTHONS:
        fail(python_missing("hub", version))
    return target.format(python_suffix(version))
