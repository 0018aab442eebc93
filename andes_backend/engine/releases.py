"""Which releases of vLLM the scheduler has been tested with. It imports vllm only when asked.

Another one is refused when the server starts, unless `ANDES_ANY_VLLM=1` is set in its environment.
"""

import os
from typing import Final

__all__ = ["INSTALL", "TESTED", "check_version"]

TESTED: Final = ("0.29", "0.30", "0.31", "0.32", "0.33")
"""The releases of vLLM, as "major.minor", on which the scheduler has run.

0.32 is what the tests install; benchmarks/vllm_versions.py runs the same workload on all.
"""

INSTALL: Final = "pip install 'vllm>=0.29,<0.34'"
"""The command that installs one of them."""


def check_version(version: str | None = None) -> None:
    """Refuse a vLLM that we have not tested, unless somebody insists.

    Args:
        version: as vLLM gives its own; None: of the vLLM that is installed.

    Raises:
        RuntimeError: it is not tested, and ANDES_ANY_VLLM is not 1; says what to do, on Ray too.
    """
    if version is None:
        from vllm import __version__ as installed

        version = installed
    release = ".".join(version.split(".")[:2])
    if release not in TESTED and os.environ.get("ANDES_ANY_VLLM") != "1":
        raise RuntimeError(
            f"andes_backend is tested with vLLM {', '.join(TESTED)}, but this is {version}. "
            f"Install a tested release: {INSTALL}. On Ray, ray[llm] chooses vLLM's release: "
            "install one of Ray's that requires a tested vLLM, as ray[llm]==2.60.0 does (vLLM "
            "0.29.0). Or set ANDES_ANY_VLLM=1 in the server's environment to try anyway; on Ray, "
            "in the env_vars of your LLMConfig's runtime_env."
        )
