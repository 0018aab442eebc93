"""vLLM's real scheduler on a virtual clock: what a policy would do on any GPU, in seconds.

simulation = simulate(workload, Setup(profile=load_profile("opt-66b-4xa100"), policy="qoe"))
"""

from typing import Final

__all__ = ["PRELOAD"]

PRELOAD: Final = ("andes_backend.lab.twin.engine",)
"""What each process that simulates needs: vLLM comes with it, ten seconds of a core."""
