"""Fetching vLLM's source distribution, with an archive of ours in a folder as pip's index."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.engine.vllm_own import sdist

pytestmark = pytest.mark.slow  # a pytest in each

VERSION = "9.9.9"
NAME = f"vllm-{VERSION}"
TEST = "tests/v1/core/test_one.py"
FILES = {
    "PKG-INFO": f"Metadata-Version: 2.4\nName: vllm\nVersion: {VERSION}\n",
    "pyproject.toml": (
        "[build-system]\n"
        'requires = ["nothing-of-this-name-exists==1"]\n'
        'build-backend = "setuptools.build_meta"\n'
    ),
    "setup.py": "raise SystemExit('something was built')\n",
    TEST: "def test_one(): pass\n",
    "tests/v1/core/test_two.py": "def test_two(): pass\n",
}


def make_archive(folder: Path, files: dict[str, str]) -> str:
    """Write it as an index would have it; returns its digest."""
    path = folder / f"{NAME}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{NAME}/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip knows of the world; empty."""
    for name in list(os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_it_is_fetched_once_and_nothing_is_built(index: Path, cache: Path) -> None:
    digest = make_archive(index, FILES)
    kept = sdist.archive(VERSION, digest, cache)
    assert kept.read_bytes() == (index / kept.name).read_bytes()
    (index / kept.name).unlink()
    assert sdist.archive(VERSION, digest, cache) == kept
    assert list(cache.iterdir()) == [kept]  # nothing is left of the fetching


def test_a_file_cut_short_in_the_cache_is_fetched_again(index: Path, cache: Path) -> None:
    digest = make_archive(index, FILES)
    kept = sdist.archive(VERSION, digest, cache)
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    assert sdist.archive(VERSION, digest, cache).read_bytes() == whole


def test_another_file_than_ours_is_refused_and_not_kept(index: Path, cache: Path) -> None:
    digest = make_archive(index, FILES)
    make_archive(index, {**FILES, TEST: "def test_one(): assert False\n"})
    with pytest.raises(sdist.WrongDigestError, match=digest):
        sdist.archive(VERSION, digest, cache)
    assert list(cache.iterdir()) == []


def test_an_index_without_it_is_said(cache: Path) -> None:
    with pytest.raises(
        sdist.NoSourceError, match=rf"No matching distribution found for vllm=={VERSION}"
    ):
        sdist.archive(VERSION, "0" * 64, cache)


def test_no_network_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")  # nobody listens there
    with pytest.raises(sdist.NoSourceError, match="no network"):
        sdist.archive(VERSION, "0" * 64, cache)


def test_what_is_in_the_cache_needs_no_network(index: Path, cache: Path) -> None:
    digest = make_archive(index, FILES)
    cache.mkdir()
    (index / f"{NAME}.tar.gz").rename(cache / f"{NAME}.tar.gz")
    assert sdist.archive(VERSION, digest, cache).parent == cache


def test_only_the_files_asked_for_are_unpacked(index: Path, tmp_path: Path) -> None:
    make_archive(index, FILES)
    top = sdist.extract(index / f"{NAME}.tar.gz", [TEST], tmp_path / "out")
    assert [path for path in top.rglob("*") if path.is_file()] == [top / TEST]
    assert (top / TEST).read_text() == FILES[TEST]


def test_a_file_that_is_missing_is_named(index: Path, tmp_path: Path) -> None:
    make_archive(index, FILES)
    with pytest.raises(LookupError, match=r"has no vllm-9\.9\.9/tests/none\.py"):
        sdist.extract(index / f"{NAME}.tar.gz", [TEST, "tests/none.py"], tmp_path / "out")


def test_a_link_under_the_name_of_a_test_is_not_taken(index: Path, tmp_path: Path) -> None:
    with tarfile.open(index / f"{NAME}.tar.gz", "w:gz") as archive:
        link = tarfile.TarInfo(f"{NAME}/{TEST}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(LookupError):
        sdist.extract(index / f"{NAME}.tar.gz", [TEST], tmp_path / "out")


@pytest.mark.parametrize(("required", "ended"), [("0", "1 skipped"), ("1", "1 failed")])
def test_without_it_the_run_is_skipped_loudly_or_fails(
    tmp_path: Path, required: str, ended: str
) -> None:
    """In a folder of its own, as tests/engine/conftest.py imports vLLM."""
    (tmp_path / "test_own.py").write_text(
        "from tests.engine.vllm_own.required import archive_or_skip\n\n\n"
        "def test_own():\n    archive_or_skip('0.32.0')\n"
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", os.devnull, f"--rootdir={tmp_path}"),
            *("-p", "tests.conftest", "-p", "no:cacheprovider", str(tmp_path)),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "ANDES_REQUIRE_VLLM": required,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended in ran.stdout.splitlines()[-1]
    assert ran.returncode == int(required)
    assert ("SKIPPED: vLLM's own tests of its scheduler" in ran.stdout) == (required == "0")
    assert "pip could not fetch the source distribution of vLLM" in ran.stdout
