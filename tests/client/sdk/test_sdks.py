"""Every SDK alike: the real one, over HTTP, from a scripted server of its wire format.

`make sdks` installs those that are too many for the core's environment, and runs this.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from andes_client import pace, pace_blocking
from andes_client.sources import StreamError, conformance, pace_events
from andes_client.sources import text as any_text
from andes_client.sources import text_blocking as any_text_blocking
from tests.client.scripted_server import DEADLINE_S, QUICK, SLOW, BreakOff, Gate, ScriptedServer
from tests.client.sdk.case import Case
from tests.client.sdk.cases import CASES
from tests.client.sdk.moves import Calls, Ends, Fails, Flows, Move, Says, Thinks
from tests.conftest import skip_loudly

# SDKs leave generators behind to the garbage collector; what is left of theirs is not ours.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PATIENCE_S = 20.0  # for what ends by itself in a moment
# Whose threads stay, and wait for work.
POOLS = ("AnyIO worker thread", "asyncio_", "litellm-logging_")

HERE = [case for case in CASES if case.is_here]
PLAIN = [case for case in HERE if case.plain is not None]


def asynchronous(cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Each case on each event loop that its SDK knows."""
    pairs = [(case, backend) for case in cases for backend in case.backends]
    return pytest.mark.parametrize(
        ("case", "anyio_backend"), pairs, ids=[f"{case}-{backend}" for case, backend in pairs]
    )


def plain(cases: Sequence[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_sdk_is_here(case: Case) -> None:
    if not case.is_here:
        missing = f"{case.distribution} is not installed, or too old"
        assert os.environ.get("ANDES_REQUIRE_SDKS") != case.extra, missing
        skip_loudly(
            "the streams of some SDKs",
            "they are not installed, or too old: `make sdks` installs and tests them.",
        )
    assert case.version


def words(case: Case) -> list[str]:
    return ["The ", case.odd_characters, "👩🏽‍🚀 ", "漢字\n", "and  more"]


def spoken(case: Case) -> list[Move]:
    return [*map(Says, words(case)), Ends()]


async def read(texts: Any) -> str:
    """All of it, at once; with what was read before an error as its note."""
    said = ""
    try:
        async with pace(texts, QUICK) as paced:
            async for word in paced:
                said += word
    except Exception as error:
        error.add_note(said)
        raise
    return said


def read_blocking(texts: Any) -> str:
    with pace_blocking(texts, QUICK) as paced:
        return "".join(paced)


@pytest.mark.anyio
class TestAsync:
    @asynchronous(HERE)
    async def test_text_to_the_byte(self, case: Case, server: ScriptedServer) -> None:
        case.play(server, *spoken(case))
        async with case.stream(server) as stream:
            texts = case.ours.text(stream)
            assert await read(texts) == "".join(words(case))
        assert texts.ending.reason == case.ending

    @asynchronous(HERE)
    async def test_it_is_recognised(self, case: Case, server: ScriptedServer) -> None:
        case.play(server, *spoken(case))
        async with case.stream(server) as stream:
            texts = any_text(stream)
            assert await read(texts) == "".join(words(case))
        assert texts.ending is not None
        assert texts.ending.reason == case.ending

    @asynchronous([case for case in HERE if case.thinks])
    async def test_reasoning_is_no_text(self, case: Case, server: ScriptedServer) -> None:
        case.play(server, Thinks("Hm, "), Thinks("so."), Says("It "), Says("is."), Ends())
        thoughts: list[str] = []
        async with case.stream(server) as stream:
            assert await read(case.ours.text(stream, thinks=thoughts.append)) == "It is."
        assert "".join(thoughts) == "Hm, so."

    @asynchronous(HERE)
    async def test_calls_and_usage_keep_their_places(
        self, case: Case, server: ScriptedServer
    ) -> None:
        after = [Says("There"), Says(" it is.")] if case.after_a_tool is not None else []
        ends = Ends() if after else Ends("tool")
        case.play(server, Says("Let me"), Says(" look."), Calls(), *after, ends)
        items: list[str] = []
        async with (
            case.stream(server) as stream,
            pace_events(stream, QUICK, split=case.ours.split) as paced,
        ):
            async for item in paced:
                items.append(item if isinstance(item, str) else case.told(item))
        then = f"{case.after_a_tool}There it is." if after else ""
        told = "".join(items)
        told = told.replace("<5 tokens>", "", told.count("<5 tokens>") - 1)  # of the first answer
        assert told == f"Let me look.<look>{then}<5 tokens>"

    @asynchronous(HERE)
    async def test_a_call_is_not_held_back_by_text(
        self, case: Case, server: ScriptedServer
    ) -> None:
        """The reader would take hours over the text before it."""
        case.play(server, Says("One two three"), Calls(), Gate())
        said = ""
        async with case.stream(server) as stream:
            with anyio.fail_after(DEADLINE_S):
                async with pace_events(stream, SLOW, split=case.ours.split) as paced:
                    async for item in paced:
                        if isinstance(item, str):
                            said += item
                        elif case.told(item) == "<look>":
                            break
        assert said == "One two three"
        # An agent has had the whole first answer; it may not have asked for the second one.
        assert case.turns or await server.client_left()

    @asynchronous([case for case in HERE if case.failure])
    async def test_an_error_in_mid_stream_is_raised(
        self, case: Case, server: ScriptedServer
    ) -> None:
        case.play(server, Says("One "), Says("two"), Fails("overloaded"), Gate())
        async with case.stream(server) as stream:
            texts = case.ours.text(stream)
            with pytest.raises(Exception, match=case.failure_says) as raised:
                await read(texts)
        kinds = {kind.__name__ for kind in type(raised.value).__mro__}
        assert kinds & set(case.failure or ()), kinds
        assert raised.value.__notes__[-1] == "One two"
        assert texts.ending.reason == "failed"

    @asynchronous(HERE)
    async def test_a_body_that_ends_early_is_told(self, case: Case, server: ScriptedServer) -> None:
        case.play(server, Says("One "), Says("two"))
        async with case.stream(server) as stream:
            texts = case.ours.text(stream)
            if case.early in ("unsaid", "complete"):
                assert await read(texts) == "One two"
            else:
                error = StreamError if case.early == "cut off" else Exception
                with pytest.raises(error) as raised:
                    await read(texts)
                assert raised.value.__notes__[-1] == "One two"
        assert texts.ending.reason == case.early

    @asynchronous(HERE)
    async def test_a_broken_connection_is_an_error(
        self, case: Case, server: ScriptedServer
    ) -> None:
        case.play(server, Says("One "), Says("two"), BreakOff())
        async with case.stream(server) as stream:
            texts = case.ours.text(stream)
            with pytest.raises(Exception, match=r".") as raised:
                await read(texts)
        assert raised.value.__notes__[-1] == "One two"
        assert texts.ending.reason in ("failed", "cut off")

    @pytest.mark.parametrize("then", [Flows("word "), Gate()], ids=["flows", "is silent"])
    @asynchronous(HERE)
    async def test_who_leaves_ends_the_request(
        self, case: Case, then: Move, server: ScriptedServer
    ) -> None:
        then = Gate() if isinstance(then, Gate) else then  # one of its own for each test
        case.play(server, Says("One "), Says("two "), Says("three "), then)
        async with case.stream(server) as stream:
            tasks = {task.id for task in anyio.get_running_tasks()}
            threads = set(threading.enumerate())
            async with pace(case.ours.text(stream), QUICK) as paced:
                async for _ in paced:
                    break
            assert await server.client_left()
            with anyio.move_on_after(PATIENCE_S):
                while left_behind(tasks, threads):
                    await anyio.wait_all_tasks_blocked()
                    await anyio.to_thread.run_sync(lambda: None)
            assert left_behind(tasks, threads) == []

    @asynchronous(HERE)
    async def test_its_events_conform(self, case: Case, server: ScriptedServer) -> None:
        case.play(server, Says("One "), Says("two"), Ends())
        source = case.ours.SOURCE
        async with (
            case.stream(server) as stream,
            aclosing(_events(source.opened(stream))) as events,
        ):
            seen = [event async for event in events]
        dropped = 2 if case.repeats else 0
        conformance.check(source, seen, text="One two", ending=case.ending, dropped=dropped)


async def _events(stream: Any) -> Any:
    async for event in stream:
        yield event


def left_behind(tasks: set[int], threads: set[threading.Thread]) -> list[str]:
    """The tasks and threads that were not there before; without the workers of pools."""
    new = [task.name or "a task" for task in anyio.get_running_tasks() if task.id not in tasks]
    alive = set(threading.enumerate()) - threads
    return new + [one.name for one in alive if not one.name.startswith(POOLS)]


class TestPlain:
    @plain(PLAIN)
    def test_text_to_the_byte(self, case: Case, server: ScriptedServer) -> None:
        assert case.plain is not None
        case.play(server, *spoken(case))
        with case.plain(server) as stream:
            texts = case.ours.text_blocking(stream)
            assert read_blocking(texts) == "".join(words(case))
        assert texts.ending.reason == case.ending

    @plain(PLAIN)
    def test_it_is_recognised(self, case: Case, server: ScriptedServer) -> None:
        assert case.plain is not None
        case.play(server, *spoken(case))
        with case.plain(server) as stream:
            assert read_blocking(any_text_blocking(stream)) == "".join(words(case))

    @plain([case for case in PLAIN if case.failure])
    def test_an_error_in_mid_stream_is_raised(self, case: Case, server: ScriptedServer) -> None:
        assert case.plain is not None
        case.play(server, Says("One "), Says("two"), Fails("overloaded"), Gate())
        with case.plain(server) as stream:
            texts = case.ours.text_blocking(stream)
            with pytest.raises(Exception, match=case.failure_says):
                read_blocking(texts)
        assert texts.ending.reason == "failed"

    @plain(PLAIN)
    def test_a_body_that_ends_early_is_told(self, case: Case, server: ScriptedServer) -> None:
        assert case.plain is not None
        case.play(server, Says("One "), Says("two"))
        with case.plain(server) as stream:
            texts = case.ours.text_blocking(stream)
            if case.early in ("unsaid", "complete"):
                assert read_blocking(texts) == "One two"
            else:
                with pytest.raises(StreamError if case.early == "cut off" else Exception):
                    read_blocking(texts)
        assert texts.ending.reason == case.early

    @plain([case for case in PLAIN if case.flowing_plain])
    def test_who_leaves_while_text_flows_ends_the_request(
        self, case: Case, server: ScriptedServer
    ) -> None:
        self.leave(case, server, Flows("word "))

    @plain([case for case in PLAIN if case.silent_plain])
    def test_who_leaves_a_silent_server_ends_the_request(
        self, case: Case, server: ScriptedServer
    ) -> None:
        self.leave(case, server, Gate())

    def leave(self, case: Case, server: ScriptedServer, then: Move) -> None:
        assert case.plain is not None
        case.play(server, Says("One "), Says("two "), Says("three "), then)
        with case.plain(server) as stream:
            threads = set(threading.enumerate())
            with pace_blocking(case.ours.text_blocking(stream), QUICK) as paced:
                next(paced)
            assert server.left.wait(DEADLINE_S)
            for thread in set(threading.enumerate()) - threads:
                if not thread.name.startswith(POOLS):
                    thread.join(DEADLINE_S)
                    assert not thread.is_alive()
