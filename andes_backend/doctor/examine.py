"""Examines vLLM in another process: it may be broken, and it takes seconds to import."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Examined", "examine"]

_PROBE: Final = "andes_backend.engine.probe"
_PATIENCE_S: Final = 300.0  # importing vLLM from a cold network disk takes minutes
# So that vLLM downloads nothing and reports its start to nobody.
_OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}


@dataclass(frozen=True, slots=True)
class Examined:
    """What `andes_backend.engine.probe` has found, and how its process ended."""

    answer: Mapping[str, Any]
    """Section -> what was found, or {"error": why not}; unreached ones are missing."""
    ending: str = ""
    """How the process ended, if not by itself; empty if it did."""

    def get(self, section: str) -> Mapping[str, Any] | None:
        """What was found; None if it could not be looked at."""
        found = self.answer.get(section)
        return None if found is None or "error" in found else found

    def error(self, section: str) -> str | None:
        """Why it could not be looked at; None if it could."""
        found = self.answer.get(section)
        if found is None:
            return self.ending or f"not checked: {self._first_error()}"
        error: str | None = found.get("error")
        return error

    def _first_error(self) -> str:
        errors = (found["error"] for found in self.answer.values() if "error" in found)
        return next(errors, "an earlier step failed")


def examine(flags: Sequence[str] = (), *, python: str = sys.executable) -> Examined:
    """Import vLLM and our scheduler, and have vLLM parse flags, in a separate process.

    Args:
        flags: as for `vllm serve`, model first; none to look at the installation only.
        python: the interpreter whose vLLM it is.
    """
    with tempfile.TemporaryDirectory(prefix="andes-doctor-") as directory:
        answer, log = Path(directory, "answer.json"), Path(directory, "log")
        # -P, as for an installed command: a folder `vllm` here is not what will serve.
        command = [python, "-P", "-m", _PROBE, str(answer), *flags]
        with log.open("wb") as output:
            ending = _run(command, output)
        if ending:
            lines = log.read_text(errors="replace").strip().splitlines()
            ending += f"; its last line was: {lines[-1].strip()}" if lines else ""
        return Examined(json.loads(answer.read_text()) if answer.exists() else {}, ending)


def _run(command: list[str], output: Any) -> str:
    """How the process ended, if not by itself."""
    try:
        status = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **_OFFLINE},
            timeout=_PATIENCE_S,
        ).returncode
    except subprocess.TimeoutExpired:
        return f"it did not end within {_PATIENCE_S:g} s"
    if status < 0:
        return f"its process was killed by signal {-status}"
    return f"its process ended with status {status}" if status else ""
