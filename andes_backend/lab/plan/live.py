"""The profile of a live server, measured on the spot."""

import argparse
from pathlib import Path

from andes_backend.lab.bench.load import Target
from andes_backend.lab.calibrate import session
from andes_backend.lab.calibrate.facts import FactsError
from andes_backend.lab.calibrate.measure import MeasureError
from andes_backend.lab.campaign.files import new_directory
from andes_backend.lab.plan.options import LIMITS
from andes_backend.profile import Profile, load_profile

__all__ = ["calibrated"]


def calibrated(arguments: argparse.Namespace) -> tuple[str, Profile, Path]:
    """Calibrate the server at `--url`; or, with `--resume`, take what was measured then.

    Returns:
        What to call it, its profile, and the directory that has the profile.

    Raises:
        KeyboardInterrupt: it was interrupted.
        OSError: a file cannot be read or written.
        ValueError: the server cannot be calibrated, or only badly.
    """
    directory: Path = arguments.resume or new_directory(arguments.out, "plan")
    path = directory / "profile.json"
    if not (arguments.resume and path.exists()):
        _measure(arguments, path)
    return arguments.model, load_profile(path), directory


def _measure(arguments: argparse.Namespace, path: Path) -> None:
    said = {name: getattr(arguments, name) for name in (*LIMITS, "repetitions")}
    options = session.Options(
        target=Target(url=arguments.url, model=arguments.model),
        out=path,
        **{name: value for name, value in said.items() if value is not None},
    )
    try:
        status = session.calibrate(options)
    except (FactsError, MeasureError) as error:
        raise ValueError(str(error)) from error
    if not path.exists():
        raise KeyboardInterrupt
    if status:
        raise ValueError(
            "no profile fits the times of the server's steps well enough to plan with: see "
            f"above, and docs/calibrate.md. To plan with it anyway: --profile {path}"
        )
