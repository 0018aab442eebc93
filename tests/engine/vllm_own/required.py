"""What becomes of vLLM's tests where their archive cannot be had: a loud skip, or a failure."""

import os
from pathlib import Path

import pytest

from tests.conftest import skip_loudly
from tests.engine.vllm_own import sdist
from tests.engine.vllm_own.control import path_of

__all__ = ["archive_or_skip"]


def archive_or_skip(version: str) -> Path:
    """vLLM's source distribution; without it the test is skipped, or fails where CI requires it."""
    sha256 = sdist.SHA256.get(version)
    try:
        if sha256 is None or not path_of(version).exists():
            raise sdist.NoSourceError(f"no digest or no control is kept for vLLM {version}")
        return sdist.archive(version, sha256)
    except sdist.NoSourceError as error:
        if os.environ.get("ANDES_REQUIRE_VLLM") == "1":
            pytest.fail(f"ANDES_REQUIRE_VLLM=1, but {error}")
        skip_loudly("vLLM's own tests of its scheduler", str(error))
