"""What the person has set: the configuration file, and where things are kept."""

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from andes_client.languages import language
from andes_demos.chat.reader import MODES

__all__ = ["Settings", "SettingsError", "config_path", "data_dir", "load"]

_APP: Final = "andes"
_CHOICES: Final = {"mode": MODES, "theme": ("dark", "light")}


class SettingsError(ValueError):
    """The configuration file cannot be used; the message says where and what would do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration; the command line overrides it."""

    url: str | None = None
    """Of the server, such as http://localhost:8000/v1; the built-in one if None."""
    model: str | None = None
    """The first that the server names if None."""
    key_file: Path | None = None
    """Where the API key is when it is not in the environment."""
    system: str = ""
    """The system prompt of new conversations."""
    mode: str = "reading"
    """Or "speaking", or "smooth": as fast as the text comes, but evenly."""
    wpm: float | None = None
    """Words a minute in that mode; the mean for the language if None. For "smooth": of the
    reader for whom QoE is measured."""
    language: str = "en"
    """ISO 639-1: how long words are, and how fast they are read."""
    ttft: float = 1.0
    """Seconds until the first word is expected."""
    tell_server: bool = True
    """Send the expectation with each request; servers other than vLLM may refuse it."""
    theme: str = "dark"
    """Or "light"."""
    export_dir: Path = Path()
    """Where conversations are exported to; the present folder."""


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration file is looked for: `ANDES_CONFIG`, else the user's folder."""
    import platformdirs

    if given := environment.get("ANDES_CONFIG"):
        return Path(given).expanduser()
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "chat.toml"


def data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """Where conversations are kept: `ANDES_DATA_DIR`, else the user's data folder."""
    import platformdirs

    if given := environment.get("ANDES_DATA_DIR"):
        return Path(given).expanduser()
    return Path(platformdirs.user_data_dir(_APP, appauthor=False))


def load(path: Path, *, required: bool = False) -> Settings:
    """Read a configuration file in TOML; without one, everything has its default.

    Args:
        path: the file.
        required: whether it is an error that it is not there.

    Raises:
        SettingsError: it cannot be read, or says something that is not known or not allowed.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(f"{path}: there is no such file") from None
        return Settings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: this is not TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    return Settings(**{name: _checked(path, name, values[name]) for name in values})


def _checked(path: Path, name: str, value: Any) -> Any:
    """The value as the settings hold it. A message never quotes it: it may be a secret."""
    known = {field.name: field.default for field in dataclasses.fields(Settings)}
    if name not in known:
        hint = " (put a key into a file of its own: see key_file)" if "key" in name else ""
        raise SettingsError(f"{path}: unknown setting {name!r}{hint}; known: {', '.join(known)}")
    if name in ("key_file", "export_dir"):
        return Path(_typed(path, name, value, str, "the path of a file or folder")).expanduser()
    if name in ("wpm", "ttft"):
        return _number(path, name, value)
    if name == "tell_server":
        return _typed(path, name, value, bool, "true or false")
    text = _typed(path, name, value, str, "a string")
    if name in _CHOICES and text not in _CHOICES[name]:
        raise SettingsError(f"{path}: {name} must be one of: {', '.join(_CHOICES[name])}")
    if name == "language":
        try:
            return language(text).code
        except ValueError as error:
            raise SettingsError(f"{path}: {name}: {error}") from None
    return text


def _typed(path: Path, name: str, value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise SettingsError(f"{path}: {name} must be {what}, not {type(value).__name__}")
    return value


def _number(path: Path, name: str, value: Any) -> float:
    what, least = (
        ("words a minute, 1 or more", 1.0) if name == "wpm" else ("seconds, 0 or more", 0.0)
    )
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{path}: {name} must be a number ({what})")
    if not least <= value < math.inf:
        raise SettingsError(f"{path}: {name} must be a number ({what}), not {value!r}")
    return float(value)
