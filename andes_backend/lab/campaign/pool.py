"""Run independent tasks in processes of their own: one of them dies, the others go on.

    for event in run_tasks(simulate_point, points, jobs=4):
        match event:
            case Done(index, value): ...
            case Failed(index, error): ...

The standard library's pool gives up as a whole when a worker is killed, and does not tell how
far its tasks are.

The processes are forked from one that has imported what they need (multiprocessing's fork server),
so that this is paid for once, however many there are and however often one is replaced.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

__all__ = ["Done", "Event", "Failed", "Progressed", "Started", "Tell", "prepare", "run_tasks"]

Task = TypeVar("Task")
Value = TypeVar("Value")

Tell = Callable[[int, int], None]
"""What a task's function is given to say how far it is: (done, total), in any unit."""

_LAST_BREATH_S: Final = 5.0
_OUTPUTS: Final = (1, 2)  # standard output and error


@dataclass(frozen=True, slots=True)
class Started:
    """A task was given to a process."""

    index: int
    """The task's place among the tasks, from 0."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """A task is so far."""

    index: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Done(Generic[Value]):
    """A task has ended well."""

    index: int
    value: Value
    """What its function returned."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A task raised an exception, or its process died."""

    index: int
    error: str
    """What happened, in one line; a traceback goes to the log."""


Event = Started | Progressed | Done[Value] | Failed
"""What `run_tasks` yields."""


def prepare(modules: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Start the process that all others are forked from; does nothing if it runs already.

    Args:
        modules: what it imports first. One that is missing is passed over.
        environment: variables that are set there before anything is imported.
    """
    multiprocessing.set_forkserver_preload(list(modules))
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        with _no_ctrl_c(), _in_silence():
            forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_tasks(
    function: Callable[[Task, Tell], Value],
    tasks: Sequence[Task],
    *,
    jobs: int,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
    preload: Sequence[str] = (),
) -> Generator[Event[Value], None, None]:
    """Call `function` with each of the tasks, in up to `jobs` processes at a time.

    Tasks are started in their order. A process is used again for the next task, and replaced
    if it died. Closing the iterator, Ctrl-C among other ways, ends all processes at once.

    Args:
        function: importable in a fresh process, as are the tasks and what it returns; its
            second argument is for telling how far it is.
        tasks: what to call it with. Those that are appended to it between two events are run,
            too: what comes next may depend on what came out.
        jobs: processes, 1 or more.
        log: standard output and error of the processes are appended to this file; without it
            they go nowhere.
        environment: variables that are set in the processes.
        preload: modules that are worth importing once for all processes, see `prepare`.

    Raises:
        ValueError: fewer than 1 job.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be 1 or more, not {jobs}")
    start = _Start(log, dict(environment or {}))
    workers: list[_Worker] = []
    idle: list[_Worker] = []  # of them; kept, as a task may come up yet, and starting is dear
    given = 0
    try:
        while given < len(tasks) or len(idle) < len(workers):
            while given < len(tasks) and (idle or len(workers) < jobs):
                if not idle:
                    prepare(preload, environment)  # not before: there may be nothing to do
                    idle.append(_Worker(start))
                    workers.append(idle[-1])
                given += 1
                yield idle.pop().give(function, given - 1, tasks[given - 1])
            ready = wait([worker.connection for worker in workers if worker not in idle])
            for worker in [worker for worker in workers if worker.connection in ready]:
                event = worker.receive()
                yield event
                if isinstance(event, Progressed):
                    continue
                if not worker.is_alive:
                    workers.remove(worker)
                    worker.dismiss()
                elif given < len(tasks):
                    given += 1
                    yield worker.give(function, given - 1, tasks[given - 1])
                else:
                    idle.append(worker)
        while workers:
            workers.pop().dismiss()
    finally:
        for worker in workers:
            worker.kill()


@dataclass(frozen=True, slots=True)
class _Start:
    """How the processes begin."""

    log: Path | None
    environment: dict[str, str]


@dataclass
class _Worker:
    """A process, and our end of the pipe to it."""

    start: _Start
    index: int = -1
    """Of the task it is busy with."""
    is_alive: bool = True
    connection: "Connection[Any, Any]" = field(init=False)

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("forkserver")  # ours has threads and locks to copy
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.start), daemon=True)
        self.process.start()
        theirs.close()  # else the pipe would not end when the process does

    def give(self, function: Callable[..., object], index: int, task: object) -> Started:
        self.index = index
        with contextlib.suppress(BrokenPipeError):  # it died: its pipe has ended, which is read
            self.connection.send(index)
            self.connection.send((function, task))
        return Started(index)

    def receive(self) -> Progressed | Done[Any] | Failed:
        try:
            event: Progressed | Done[Any] | Failed = self.connection.recv()
        except (EOFError, OSError):
            self.is_alive = False
            self.process.join(_LAST_BREATH_S)
            return Failed(self.index, _how_it_ended(self.process.exitcode))
        return event

    def dismiss(self) -> None:
        """Let it end by itself: it has nothing more to do."""
        self.connection.close()
        self.process.join(_LAST_BREATH_S)
        self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.process.close()
        self.connection.close()


@contextlib.contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """A process started here never sees Ctrl-C, which a terminal sends to all: it is ours.

    Nor do those that are forked from it.
    """
    resource_tracker.ensure_running()  # its start, in the midst of ours, would undo the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """A process started here prints nothing: what vLLM says when it is imported is for a log."""
    kept = [os.dup(stream) for stream in _OUTPUTS]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in _OUTPUTS:
            os.dup2(nowhere, stream)
        yield
    finally:
        for stream, file in zip(_OUTPUTS, kept, strict=True):
            os.dup2(file, stream)
        for file in (nowhere, *kept):
            os.close(file)


def _how_it_ended(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        memory = " (was memory short?)" if -status == signal.SIGKILL else ""
        return f"its process was killed by {name}{memory}"
    return f"its process ended with status {status}"


# What follows runs in the processes.


def _serve(connection: "Connection[Any, Any]", start: _Start) -> None:
    """Do tasks until there are no more."""
    os.environ.update(start.environment)
    if start.log is not None:
        _write_to(start.log)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            index = connection.recv()
        except EOFError:
            return
        _do(index, connection)


def _do(index: int, connection: "Connection[Any, Any]") -> None:
    def tell(done: int, total: int) -> None:
        connection.send(Progressed(index, done, total))

    try:
        function, task = connection.recv()  # reading it imports what it needs
        connection.send(Done(index, function(task, tell)))
    except Exception as error:
        traceback.print_exc()
        connection.send(Failed(index, _in_a_line(error)))


def _write_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    os.close(file)


def _end_with_parent() -> None:
    """Nobody would read what comes after a parent that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _in_a_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
