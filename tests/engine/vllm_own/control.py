"""How vLLM's tests end with vLLM's own class, kept in control-<version>.json.

    python -m tests.engine.vllm_own.control

runs them and writes the file anew, for the vLLM that is installed. It depends on vLLM alone and
on nothing of ours, so it is kept, and only our class is run each time.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.engine.vllm_own import sdist
from tests.engine.vllm_own.inside import STOCK
from tests.engine.vllm_own.suite import FILES, Ends, installed_version, run

__all__ = ["Control", "main", "path_of"]


@dataclass(frozen=True)
class Control:
    """The names of tests by how they ended, and the digest of the archive they came from."""

    sha256: str
    passed: frozenset[str]
    failed: frozenset[str]
    skipped: frozenset[str]

    @classmethod
    def read(cls, version: str) -> "Control":
        """Raises OSError if none is kept for this version."""
        kept = json.loads(path_of(version).read_text())
        return cls(kept["sha256"], *(frozenset(kept[end]) for end in _ENDS))

    @classmethod
    def of(cls, sha256: str, ends: Ends) -> "Control":
        """From what a run of the tests gave."""
        names = (frozenset(name for name in ends if ends[name] == end) for end in _ENDS)
        return cls(sha256, *names)

    @property
    def all(self) -> frozenset[str]:
        """Every test that ran or was skipped."""
        return self.passed | self.failed | self.skipped

    def write(self, version: str) -> None:
        """One test a line, in order, so that a later release's file can be compared with it."""
        kept = {end: sorted(getattr(self, end)) for end in _ENDS}
        path_of(version).write_text(json.dumps({"sha256": self.sha256, **kept}, indent=1) + "\n")


_ENDS = ("passed", "failed", "skipped")


def path_of(version: str) -> Path:
    """Where the control for this version of vLLM is kept."""
    return Path(__file__).parent / f"control-{version}.json"


def main() -> int:
    """Run the tests on vLLM's own class and keep how they ended; exit status 1 if some failed."""
    version = installed_version()
    sha256 = sdist.SHA256[version]
    with tempfile.TemporaryDirectory() as place:
        root = sdist.extract(sdist.archive(version, sha256), FILES, Path(place))
        (Path(place) / "run").mkdir()
        ends = run(root, [STOCK], Path(place) / "run")[STOCK]
    control = Control.of(sha256, ends)
    control.write(version)
    for end in _ENDS:
        print(f"{len(getattr(control, end))} {end}")
    return int(bool(control.failed))


if __name__ == "__main__":
    sys.exit(main())
