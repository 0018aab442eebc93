"""What the processes of test_pool.py do; a fresh process must be able to import it."""

import os
import signal
from pathlib import Path

from andes_backend.lab.campaign.pool import Tell


class Unreadable:
    """Cannot be read back where it is sent to."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _refuse, ("no way back",)


def _refuse(text: str) -> None:
    raise RuntimeError(text)


def double(task: int, tell: Tell) -> int:
    tell(task, 100)
    return 2 * task


def process_id(task: int, tell: Tell) -> int:
    del task, tell
    return os.getpid()


def variable(task: str, tell: Tell) -> str | None:
    del tell
    return os.environ.get(task)


def speak(task: str, tell: Tell) -> None:
    del tell
    print(task, flush=True)
    os.system(f"echo {task} from another program >&2")


def ends(task: str, tell: Tell) -> str:
    """As the task says: in an exception, by a signal, or well."""
    tell(1, 2)
    match task:
        case "raise":
            raise ValueError("two\nlines")
        case "bare":
            raise KeyError
        case "exit":
            os._exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "unsendable":
            return lambda: task  # type: ignore[return-value]
    return task


def hang(task: Path, tell: Tell) -> None:
    """Leave our process id in a file, say so, and never return."""
    (task / str(os.getpid())).touch()
    tell(0, 1)
    signal.pause()
