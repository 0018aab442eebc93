"""The algorithm of the paper (arXiv 2404.16283, both versions), whole and switchable."""

from andes_backend.policy.andes.policy import Andes

__all__ = ["Andes"]
