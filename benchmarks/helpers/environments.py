"""Environments for other people's programs, each of its own: what they need is not what we need.

    python = environment("aiperf", "aiperf==0.13.0")

They are made with uv below .versions/ on first use, and used again after that.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

__all__ = ["PLACE", "environment"]

_ROOT: Final = Path(__file__).parents[2]

PLACE: Final = Path(os.environ.get("ANDES_ENVIRONMENTS", _ROOT / ".versions"))
"""Where they are; ANDES_ENVIRONMENTS names another folder."""


def environment(name: str, *requirements: str) -> Path:
    """The folder with the programs of an environment, made if need be.

    Args:
        name: of its folder; takes the versions in, so that others get another one.
        requirements: what to install, with versions: "aiperf==0.13.0".

    Raises:
        subprocess.CalledProcessError: something could not be installed; uv has said what.
        FileNotFoundError: there is no uv.
    """
    place = PLACE / name
    programs, ready = place / "bin", place / "ready"
    if not ready.exists():
        print(f"installing {' '.join(requirements)} into {place}", file=sys.stderr, flush=True)
        _uv("venv", "--clear", "--python", sys.executable, str(place))
        _uv("pip", "install", "--python", str(programs / "python"), *requirements)
        ready.touch()
    return programs


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(_ROOT / ".uv" / "bin" / "uv")
    subprocess.run([uv, *arguments, "--quiet"], check=True)
