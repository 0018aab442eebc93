"""A deprecation announces the next release of what we build on: it fails the tests."""

import subprocess
import sys
import warnings

import pytest


def test_a_deprecated_call_fails() -> None:
    with pytest.raises(DeprecationWarning, match="soon gone"):
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("module", "fails"),
    [("andes_backend.engine.scheduler", True), ("transformers.utils", False)],
)
def test_of_our_adapter_it_fails_in_any_process(module: str, fails: bool) -> None:
    call = "import warnings; warnings.warn('soon gone', DeprecationWarning)"
    program = f"exec({call!r}, {{'__name__': {module!r}}})"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (ran.returncode != 0) == ("DeprecationWarning: soon gone" in ran.stderr) == fails
