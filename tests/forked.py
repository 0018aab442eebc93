"""Programs that need vLLM, without the ten seconds that each would take to import it.

    ran = run([sys.executable, "-m", "andes_client", "twin", "--rate", "3"])
    with start([sys.executable, "-m", "andes_client", "plan"]) as program:
        os.killpg(program.pid, signal.SIGINT)
        ran = program.communicate()
    with serve_tiny(model, log=log, launch=launch) as server: ...

A program is forked from the process that campaigns fork theirs from, multiprocessing's fork
server, which has imported vLLM once in a session. It finds itself as a new one does: arguments,
environment, directory, standard streams and process group are its own, nothing of ours has been
imported, and what it starts by multiprocessing is a process below it, which is forked, too.

Where the interpreter itself matters (its flags, its hash seed, what it imports), start a real one.
"""

import atexit
import contextlib
import importlib
import io
import multiprocessing
import multiprocessing.process
import multiprocessing.util
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from andes_backend.lab.campaign.campaign import ENVIRONMENT
from andes_backend.lab.campaign.pool import prepare
from andes_backend.lab.twin import PRELOAD

__all__ = ["Program", "launch", "prepare_processes", "run", "start"]

_OURS: Final = ("andes_backend", "andes_client", "andes_demos", "tests")
_PATIENCE_S: Final = 300.0

_SERVER: Final = ("vllm.entrypoints.openai.api_server", "vllm.model_executor.models.llama")
"""What a server of the tests imports; most of the time that it takes to start."""

# Some packages read these when they are imported, which is before a server sets them.
_OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


def prepare_processes(*modules: str) -> None:
    """Start what pools and programs are forked from, with vLLM in it, if it does not run yet.

    The first pool of a session does so, too; one that needs no vLLM does so without.

    Args:
        modules: others that are imported there.
    """
    prepare((*PRELOAD, *modules), {**ENVIRONMENT, **_OFFLINE})


@dataclass
class Program:
    """A program that was started; `pid` is that of its process group as well."""

    command: Sequence[str]
    directory: Path
    """Where what it prints is kept."""
    process: Any = field(repr=False)  # multiprocessing has no name for it

    @property
    def pid(self) -> int:
        pid: int = self.process.pid
        return pid

    def poll(self) -> int | None:
        """Its exit status, or minus the number of the signal that ended it; None: it runs."""
        status: int | None = self.process.exitcode
        return status

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, so many seconds at most; returns its exit status.

        Raises:
            subprocess.TimeoutExpired: it does not come.
        """
        self.process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self.command, timeout or 0.0)
        return status

    def communicate(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: it does not come.
        """
        status = self.wait(_PATIENCE_S)
        out, err = ((self.directory / name).read_text() for name in ("out", "err"))
        return subprocess.CompletedProcess(self.command, status, out, err)


@contextlib.contextmanager
def start(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Fork a program; it is killed if it still runs at the end of the block.

    Args:
        command: this interpreter, then `-m MODULE`, `-c CODE` or the path of a script, then its
            arguments.
        cwd: where it runs; here, if not given.
        env: its environment; ours, if not given.
    """
    prepare_processes()
    with tempfile.TemporaryDirectory(prefix="forked-") as name:
        directory = Path(name)
        out, err = directory / "out", directory / "err"
        environment = dict(env or os.environ)
        process = _fork(_ToBe(list(command), cwd or Path.cwd(), environment, out, err))
        try:
            yield Program(command, directory, process)
        finally:
            process.kill()
            process.join()
            process.close()


def launch(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Program:
    """Fork a server: how `andes_backend.lab.bench.server.serve` is told to start a program."""
    prepare_processes(*_SERVER)
    log.write_bytes(b"")
    to_be = _ToBe(list(command), Path.cwd(), {**os.environ, **environment}, log, log)
    return Program(command, log.parent, _fork(to_be))


def _fork(to_be: "_ToBe") -> Any:
    process = multiprocessing.get_context("forkserver").Process(target=_become, args=(to_be,))
    process.start()
    return process


def run(
    command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Fork a program and wait for its end; as `start`."""
    with start(command, cwd=cwd, env=env) as program:
        return program.communicate()


# What follows runs in the programs.


@dataclass(frozen=True)
class _ToBe:
    command: list[str]
    cwd: Path
    env: dict[str, str]
    out: Path
    err: Path


def _become(to_be: _ToBe) -> None:
    """As a new interpreter would begin, go on, and end."""
    os.setpgid(0, 0)
    _redirect(to_be.out, to_be.err)
    os.chdir(to_be.cwd)
    with contextlib.suppress(ModuleNotFoundError):
        # A process's title lies beside its environment, which is about to be cleared: it is looked
        # for here, and not when vLLM names its processes.
        importlib.import_module("setproctitle").getproctitle()
    os.environ.clear()
    os.environ.update(to_be.env)
    paths = to_be.env.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [path for path in paths if path and path not in sys.path]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    for name in [name for name in sys.modules if name.partition(".")[0] in _OURS]:
        del sys.modules[name]
    multiprocessing.process._parent_process = None  # type: ignore[attr-defined]
    multiprocessing.util.spawnv_passfds = _fork_with  # type: ignore[assignment]
    if logger := sys.modules.get("vllm.logger"):
        logger._configure_vllm_root_logger()  # which it does when it is imported, too
    atexit._clear()  # what the fork server has to do in its end
    try:
        _execute(to_be.command)
    finally:
        atexit._run_exitfuncs()


def _redirect(out: Path, err: Path) -> None:
    for stream, path in enumerate((Path(os.devnull), out, err)):
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, stream)
        os.close(file)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - the program's, until it ends
    # Nothing is kept back: processes that are forked from this one would say it again.
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(open(stream, "wb", 0, closefd=False), write_through=True)  # noqa: SIM115
        for stream in (1, 2)
    )


def _execute(command: Sequence[str]) -> None:
    """What the interpreter does with its command line."""
    _, what, *words = command
    match what:
        case "-m":
            sys.path.insert(0, os.getcwd())
            sys.argv = words
            sys.modules.pop(words[0], None)  # it is about to be run, whoever has imported it
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        case "-c":
            sys.path.insert(0, os.getcwd())
            sys.argv = ["-c", *words[1:]]
            sys.modules["__main__"] = ModuleType("__main__")
            exec(words[0], vars(sys.modules["__main__"]))
        case path:
            sys.path.insert(0, str(Path(path).parent))
            sys.argv = [path, *words]
            runpy.run_path(path, run_name="__main__")


def _fork_with(_path: object, command: Sequence[object], files: Sequence[int]) -> int:
    """In place of starting an interpreter with these files open: fork, for what it would do.

    multiprocessing starts its processes in this way, but for those that are to be forked, and the
    fork server and the resource tracker. They hold no file of ours but these: a pipe whose other
    end is killed is closed.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        kept = {0, 1, 2, *map(int, files)}
        for file in map(int, os.listdir("/proc/self/fd")):
            if file not in kept:
                with contextlib.suppress(OSError):  # of the list itself
                    os.close(file)
        _forget()
        at = command.index("-c")
        sys.argv = ["-c", *map(str, command[at + 2 :])]
        exec(str(command[at + 1]), {"__name__": "__main__"})
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _forget() -> None:
    """What a new interpreter would not have, or would ask its environment for once more."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if values := sys.modules.get("prometheus_client.values"):
        values.ValueClass = values.get_value_class()  # type: ignore[attr-defined]
