"""The built-in server: no model and no network, but real text, in bursts, over real HTTP."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from andes_demos.bursty_server import OVERLOADED, TEXT, Burst, chat_app, running

__all__ = ["GUIDE", "WELCOME", "answer", "offline"]

GUIDE: Final = (Path(__file__).parent / "guide.md").read_text(encoding="utf-8")
"""What it answers first: what there is to try, with code and a table."""

WELCOME: Final = """\
Offline: no model answers here. A server built into this program sends prepared text \
over real HTTP, in bursts like those of an overloaded server, so that there is something \
to pace. It is at {url}

To chat with a model: andes chat --url http://localhost:8000/v1

Type something and press Enter. F1 shows all keys."""


def answer(asked: Any) -> str:
    """The text for a request: the guide first, then how "The Wind in the Willows" begins."""
    messages = asked.get("messages") if isinstance(asked, dict) else None
    said = [m for m in messages or () if isinstance(m, dict) and m.get("role") == "user"]
    return GUIDE if len(said) % 2 else TEXT


@contextlib.contextmanager
def offline(schedule: Sequence[Burst] = OVERLOADED * 4) -> Iterator[str]:
    """Run it while the block runs, on the loopback interface; yields its base URL.

    Args:
        schedule: the rhythm of its answers.
    """
    with running(chat_app(schedule, answer)) as url:
        yield f"{url}/v1"
