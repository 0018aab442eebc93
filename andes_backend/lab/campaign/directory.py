"""The directory that a run has for its results, and the file that says what they are of."""

import contextlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from andes_backend.lab.campaign.spec import Spec
from andes_backend.lab.report.run import versions

__all__ = ["new_directory", "now", "write_about"]


def new_directory(out: Path, command: str) -> Path:
    """Make a directory for the results of a command, with its name and the time.

    Args:
        out: the directory to make it in; made, too.
        command: its name without `andes`.

    Raises:
        OSError: it cannot be made.
    """
    name = f"{command}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        with contextlib.suppress(FileExistsError):
            directory = out / f"{name}{suffix}"
            directory.mkdir(parents=True)
            return directory
    raise FileExistsError(f"{out / name} and 98 more like it already exist")


def write_about(path: Path, spec: Spec, about: Mapping[str, Any]) -> None:
    """Write the file that says what a campaign is: JSON.

    Args:
        path: the file; overwritten.
        spec: whose command line it has, beside the date and the versions of all that matters.
        about: what else it says.

    Raises:
        OSError: it cannot be written.
        ValueError: JSON has no such value (NaN, infinity).
    """
    value = {"command": list(spec.command), "date": now(), "versions": versions(), **about}
    path.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")


def now() -> str:
    """The time as result files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
