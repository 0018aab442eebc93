"""Engines that serve the same users tell each other what these have received.

Each engine writes a file into a directory that all of them see (`exchange_dir`, in /dev/shm for
the ranks of one machine, on a shared file system for several), and reads the others'. Lines are
`KEY SERVICE`: a hash of the user's name, and what this engine has served that user as far as it
remembers. A file that has not changed for a while belongs to an engine that is gone; the others
delete it.

A thread does this once a second; the scheduler only takes over the figures.
"""

import hashlib
import math
import os
import threading
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vllm.logger import init_logger

from andes_backend.config import AndesConfig

__all__ = ["Exchange", "Files", "exchange_of"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

_EVERY_S: Final = 1.0
_GONE_S: Final = 60.0


def exchange_of(config: AndesConfig) -> "Exchange | None":
    """The exchange of this engine, if the settings want one.

    Raises:
        ValueError: the directory cannot be used.
    """
    if not config.exchange_dir:
        return None
    try:
        # Ranks do not tell engines apart (vLLM numbers independent ones all 0), nor do process
        # numbers (in containers all are 1).
        return Exchange(Files(Path(config.exchange_dir), uuid.uuid4().hex))
    except OSError as error:
        raise ValueError(f"andes.exchange_dir cannot be used: {error}") from None


class Files:
    """The directory: what an engine says, and what the others have said since it last asked.

    Args:
        directory: it is made; nobody but the server's user may read it.
        own: the name of this engine's file.
    """

    def __init__(self, directory: Path, own: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._path = directory / f"{own}.service"
        self._heard: dict[str, dict[str, float]] = {}  # by file: the last figures

    def tell(self, given: Mapping[str, float]) -> None:
        """Write what this engine has served, by user.

        Raises:
            OSError: the file cannot be written.
        """
        text = "".join(f"{_key(name)} {service:.1f}\n" for name, service in given.items())
        unfinished = self._path.with_suffix(".part")
        unfinished.write_text(text)
        unfinished.replace(self._path)

    def hear(self, users: Mapping[str, float], now: float) -> dict[str, float]:
        """What the other engines have served these users since this was last asked.

        Args:
            users: those whose service to return.
            now: seconds of the clock of the file system.

        Raises:
            OSError: the directory cannot be read.
        """
        name_of = {_key(name): name for name in users}
        news: dict[str, float] = {}
        for path in self._directory.glob("*.service"):
            if path == self._path:
                continue
            try:
                if now - path.stat().st_mtime > _GONE_S:
                    path.unlink(missing_ok=True)
                    continue
                said = _read(path)
            except FileNotFoundError:
                continue  # another engine has deleted it
            before = self._heard.get(path.name, said)  # what was before we came is not news
            self._heard[path.name] = said
            for key, service in said.items():
                # Less than before: the engine had forgotten the user, or is another one.
                more = service - before.get(key, 0.0)
                more = service if more < 0 else more
                if more and key in name_of:
                    news[name_of[key]] = news.get(name_of[key], 0.0) + more
        return news

    def close(self) -> None:
        """Remove this engine's file: the engine has ended."""
        self._path.unlink(missing_ok=True)


class Exchange:
    """Tells and hears once a second, in a thread; errors are logged once and change nothing."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._given: Mapping[str, float] = {}
        self._news: dict[str, float] = {}
        self._ended = threading.Event()
        self._complained = False
        threading.Thread(target=self._run, name="andes-exchange", daemon=True).start()

    def swap(self, given: Mapping[str, float]) -> Mapping[str, float]:
        """Give what this engine has served; take what others have since the last time."""
        with self._lock:
            self._given = given
            news, self._news = self._news, {}
        return news

    def close(self) -> None:
        """End the thread, which removes the file."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            with self._lock:
                given = self._given
            try:
                self._files.tell(given)
                news = self._files.hear(given, _file_time(self._files))
            except OSError as error:
                self._complain(error)
                continue
            with self._lock:
                for name, service in news.items():
                    self._news[name] = self._news.get(name, 0.0) + service
        self._files.close()

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("andes: this engine cannot exchange service with the others: %s", error)


def _file_time(files: Files) -> float:
    """Now, by the clock that stamps the files, which may be another machine's."""
    return os.stat(files._path).st_mtime


def _key(name: str) -> str:
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def _read(path: Path) -> dict[str, float]:
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        key, _, service = line.partition(" ")
        try:
            value = float(service)
        except ValueError:
            continue  # not a line of ours
        if 0 <= value < math.inf:
            found[key] = value
    return found
