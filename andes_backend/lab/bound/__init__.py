"""What no schedule can surpass: an upper bound on the average QoE; see docs/bound.md."""

from andes_backend.lab.bound.upper import Bound, upper_bound

__all__ = ["Bound", "upper_bound"]
