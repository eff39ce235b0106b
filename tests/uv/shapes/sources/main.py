import by_address
import from_git
import in_folder
import in_folder_editable
import local_wheel
import sdist_only


def app() -> list[str]:
    built = (from_git, in_folder, in_folder_editable, sdist_only)
    return [by_address.version, local_wheel.version, *(module.name for module in built)]
