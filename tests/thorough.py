"""How much of what could be tried is tried: a quarter of it, and all of it before a release.

ANDES_THOROUGH=1 make test
"""

import os

__all__ = ["cases"]


def cases(most: int) -> int:
    """Of a test that draws its cases; `most` with ANDES_THOROUGH=1."""
    return most if os.environ.get("ANDES_THOROUGH") == "1" else -(-most // 4)
