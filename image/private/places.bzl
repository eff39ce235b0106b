"""Where the files of a workspace lie in an image."""

def in_workspace(file):
    """Returns a File's path in its own repository."""
    path = file.short_path
    return path.split("/", 2)[2] if path.startswith("../") else path

def place(path, prefixes, package):
    """Returns where a file lies below the working directory.

    Args:
        path: of the file, relative to the workspace.
        prefixes: list of folders whose contents go to the working directory; the longest wins.
        package: the folder of the BUILD file. What lies in none of `prefixes` is data beside the
            code and keeps its path in the package, or else in the workspace.

    Returns:
        The path, relative to the working directory.
    """
    folders = [_plain(folder) for folder in prefixes]
    for folder in sorted(folders, key = len, reverse = True) + [package]:
        if not folder or path.startswith(folder + "/"):
            return path.removeprefix(folder + "/") if folder else path
    return path

def _plain(folder):
    return "/".join([part for part in folder.split("/") if part not in ("", ".")])
