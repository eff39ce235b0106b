"""Virtual environments made by uv, with the API of rules_uv 0.89.

```starlark
load("@rules_uv//uv:venv.bzl", "create_venv")

create_venv(
    name = "venv",
    destination_folder = ".venv",
    requirements_txt = "//:requirements.txt",
)
```
"""

load("//uv/private:rules.bzl", "uv_venv")

def _venv(name, mode, requirements_txt, target_compatible_with, destination_folder, site_packages_extra_files, uv_args):
    uv_venv(
        name = name,
        destination_folder = destination_folder or "venv",
        mode = mode,
        requirements_txt = requirements_txt or "//:requirements.txt",
        site_packages_extra_files = site_packages_extra_files,
        target_compatible_with = target_compatible_with,
        uv_args = uv_args,
    )

def create_venv(
        name,
        requirements_txt = None,
        target_compatible_with = None,
        destination_folder = None,
        site_packages_extra_files = [],
        uv_args = []):
    """A target that makes a virtual environment anew: `bazel run <name> [-- FOLDER]`.

    Args:
      name: name of the target.
      requirements_txt: requirements file. Default: `//:requirements.txt`.
      target_compatible_with: platforms it is for.
      destination_folder: folder of the environment below the workspace. Default: `venv`.
      site_packages_extra_files: files to copy into site-packages.
      uv_args: more arguments for `uv pip install`.
    """
    _venv(name, "create", requirements_txt, target_compatible_with, destination_folder, site_packages_extra_files, uv_args)

def sync_venv(
        name,
        requirements_txt = None,
        target_compatible_with = None,
        destination_folder = None,
        site_packages_extra_files = [],
        uv_args = []):
    """A target that makes a virtual environment hold just the requirements, keeping what fits.

    Args:
      name: name of the target.
      requirements_txt: requirements file. Default: `//:requirements.txt`.
      target_compatible_with: platforms it is for.
      destination_folder: folder of the environment below the workspace. Default: `venv`.
      site_packages_extra_files: files to copy into site-packages.
      uv_args: more arguments for `uv pip sync`.
    """
    _venv(name, "sync", requirements_txt, target_compatible_with, destination_folder, site_packages_extra_files, uv_args)
