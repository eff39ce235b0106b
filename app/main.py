"""The backend's entry point: ``uvicorn main:app``."""

from todo.failfast import fail
from todo.settings import SettingsError, load_settings

# Before anything heavy is imported, so that a container with broken settings ends at once.
try:
    settings = load_settings()
except SettingsError as error:
    fail(str(error))

from todo.application import create_app

app = create_app(settings)
