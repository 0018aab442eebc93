"""A case for each SDK: how to make its stream, and what its events are. See `cases/`."""

import importlib
import importlib.util
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Any, Literal

from andes_client.sources.ending import Reason
from tests.client.scripted_server import ScriptedServer
from tests.client.sdk.moves import Move, Wire, played

__all__ = ["Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to get a stream out of one SDK."""

    name: str
    """For people; what comes before a colon is the SDK: `gemini`, `pydantic_ai: run`."""
    distribution: str
    """On PyPI: `google-genai`."""
    module: str
    """What is imported: `google.genai`."""
    extra: str = "sdks"
    """Which of the project's extras brings it: `dev` is the core's environment, each other has one
    of its own, and its pins in `requirements/`."""
    since: tuple[int, ...] = ()
    """The first version of which this is so, as far as it matters; older ones are not tested."""
    source: str
    """The module in andes_client.sources."""
    wire: Callable[[], Wire]
    """Makes the wire format of one answer."""
    stream: Callable[[ScriptedServer], AbstractAsyncContextManager[Any]]
    """The async stream, not read yet; inside it the SDK's client is open."""
    plain: Callable[[ScriptedServer], AbstractContextManager[Any]] | None = None
    """The plain one; None: the SDK has none."""
    told: Callable[[Any], str]
    """What a passed-on event is: "<look>" where the tool's name comes, "<5 tokens>" where the
    usage does, each once; "" for all others."""
    backends: Sequence[Literal["asyncio", "trio"]] = ("asyncio",)
    """The event loops that the SDK knows."""
    turns: bool = False
    """An agent: after a tool's call it asks the server again."""
    thinks: bool = True
    """Whether its wire format has reasoning apart from text, and the SDK tells it."""
    after_a_tool: str | None = ""
    """What is between the text before a tool's call and that after it; None: none comes."""
    failure: tuple[str, ...] | None = ("StreamError",)
    """The names of the errors that may tell of one in mid-stream; None: it is not told."""
    failure_says: str = "overloaded"
    """Part of what the error says; the server said "overloaded"."""
    early: Literal["cut off", "unsaid", "failed", "complete"] = "cut off"
    """What is told of a body that ends early; `failed`: the SDK itself raises; `complete`: it
    takes it for a whole answer."""
    repeats: bool = False
    """Whether each delta is told in two events, one of which is dropped."""
    ending: Reason = "complete"
    """How a whole answer ends, as the source tells it."""
    odd_characters: str = "quick\u2028brown \u0085fox "
    """Which the SDK's own reader of lines must not take for the end of one."""
    flowing_plain: bool = True
    """Whether who leaves the plain stream while text flows ends the request."""
    silent_plain: bool = True
    """Whether who leaves the plain stream while the server is silent ends the request."""

    def __str__(self) -> str:
        return self.name

    @property
    def is_here(self) -> bool:
        """Whether the SDK can be imported here, and is not too old."""
        try:
            if importlib.util.find_spec(self.module) is None:
                return False
        except ModuleNotFoundError:  # of the package around it
            return False
        return tuple(map(int, re.findall(r"\d+", self.version))) >= self.since

    @property
    def version(self) -> str:
        return metadata.version(self.distribution)

    @property
    def ours(self) -> ModuleType:
        """The module of its source."""
        return importlib.import_module(f"andes_client.sources.{self.source}")

    def play(self, server: ScriptedServer, *moves: Move) -> None:
        """The server does this for the next requests."""
        server.media_type = self.wire().media_type
        server.says_in_turn(*played(self.wire, moves, turns=self.turns))
