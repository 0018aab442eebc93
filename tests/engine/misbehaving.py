"""A scheduler whose policy does what a file says: raise, invalid, slow or fine.

The server imports it: --scheduler-cls tests.engine.misbehaving.Misbehaving, in a process that
has the root of the repository on its path.
"""

import os
import time
from pathlib import Path

import numpy as np

from andes_backend import AndesConfig, AndesScheduler
from andes_backend.policy import Decision, Policy, Snapshot
from tests.engine.preempting import AtMoments

__all__ = ["MODE_FILE", "Misbehaving"]

MODE_FILE = "ANDES_TEST_MODE_FILE"


class _Moody:
    def plan(self, snapshot: Snapshot) -> Decision:
        mode = Path(os.environ[MODE_FILE]).read_text()
        if mode == "raise":
            raise RuntimeError("this policy was asked to fail")
        if mode == "invalid":
            return Decision(running=np.full(len(snapshot.running) + 1, np.nan))
        if mode == "slow":
            time.sleep(1.0)
        return Decision(again_in_s=0.0)

    def finished(self, output_tokens: int) -> None:
        del output_tokens


class Misbehaving(AndesScheduler):
    """Ours, with that policy; but for marked requests, see tests/engine/preempting.py."""

    def make_policy(self, config: AndesConfig) -> Policy:
        del config
        return AtMoments(_Moody())
