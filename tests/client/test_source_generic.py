"""A stream says whose it is; the wrong source for it says so."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from andes_client import Expectation, pace, pace_blocking
from andes_client.sources import Source, StreamError, Texts, anthropic, generic, openai, text
from andes_client.sources.events import pace_events
from andes_client.sources.who import source_name

PROGRAM = Expectation.program()


def chunk(content: str | None, finish: str | None = None) -> ChatCompletionChunk:
    return ChatCompletionChunk.model_validate(
        {
            "id": "1",
            "created": 0,
            "model": "m",
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {"content": content}, "finish_reason": finish}],
        }
    )


CHUNKS = [chunk("Hello"), chunk(" you", "stop")]
MESSAGE = [
    {"type": "message_start", "message": {"usage": {}}},
    {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hello you"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
]


async def stream_of(events: list[Any]) -> AsyncIterator[Any]:
    for event in events:
        yield event


async def said(texts: Any) -> str:
    async with pace(texts, PROGRAM) as paced:
        return "".join([text async for text in paced])


@pytest.mark.anyio
@pytest.mark.parametrize(
    "events",
    [CHUNKS, [one.model_dump() for one in CHUNKS], MESSAGE, ["Hello", " you"]],
    ids=["objects", "openai's JSON", "anthropic's JSON", "text"],
)
async def test_a_stream_says_whose_it_is(events: list[Any]) -> None:
    texts = text(stream_of(events))
    assert await said(texts) == "Hello you"
    assert texts.ending is not None
    assert texts.ending.reason == ("unsaid" if isinstance(events[0], str) else "complete")


def test_so_does_a_plain_one() -> None:
    with pace_blocking(generic.text_blocking(iter(CHUNKS)), PROGRAM) as paced:
        assert "".join(paced) == "Hello you"


@pytest.mark.anyio
async def test_what_ends_early_is_told_of_a_stream_found_out_by_its_events() -> None:
    with pytest.raises(StreamError, match="before the answer was whole"):
        await said(text(stream_of(CHUNKS[:1])))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("make", "events", "told"),
    [
        (openai.text, MESSAGE, r"'openai' knows none.*message_start.*Use .*sources\.anthropic"),
        (anthropic.text, CHUNKS, r"'anthropic' knows none.*ChatCompletionChunk.*sources\.openai"),
        (openai.text, ["Hello", " you"], r"type str: 'Hello'.*give the stream to pace\(\)"),
        (text, [object()] * 20, r"no source is known.*type object.*`split` of your own"),
        (openai.text, [3] * 2, r"type int: 3.*`split` of your own"),
    ],
)
async def test_the_wrong_source_names_the_first_event(
    make: Callable[[Any], Texts[Any]], events: list[Any], told: str
) -> None:
    texts = make(stream_of(events))
    with pytest.raises(TypeError, match=told):
        await said(texts)
    assert texts.ending is not None
    assert texts.ending.reason == "failed"


class MadeUp(dict[str, Any]):
    """A dict whose fields are attributes, as many libraries have one."""

    __getattr__ = dict.__getitem__


@pytest.mark.anyio
async def test_an_object_that_makes_up_its_attributes_is_asked_for_none() -> None:
    chunks = [MadeUp(one.model_dump()) for one in CHUNKS]
    assert await said(text(stream_of(chunks))) == "Hello you"
    with pytest.raises(TypeError, match=r"MadeUp: {'a': 1}"):
        await said(text(stream_of([MadeUp(a=1)])))


@pytest.mark.anyio
async def test_an_event_that_cannot_be_told_is_refused_all_the_same() -> None:
    class Secret:
        def __repr__(self) -> str:
            raise ValueError

    nowhere = type("Nowhere", (), {"__module__": None})
    for event, told in ((Secret(), "Secret: it cannot be told"), (nowhere(), "Nowhere")):
        with pytest.raises(TypeError, match=told):
            await said(text(stream_of([event])))


@pytest.mark.anyio
async def test_an_empty_stream_is_of_no_wrong_kind() -> None:
    assert await said(text(stream_of([]))) == ""


@pytest.mark.anyio
async def test_what_a_server_adds_before_its_answer_is_no_stranger() -> None:
    events = [{"type": "acme.queue", "position": 1}, *CHUNKS]
    assert await said(openai.text(stream_of(events))) == "Hello you"
    async with pace_events(stream_of(events), PROGRAM, split=openai.split) as paced:
        assert [type(item) async for item in paced][:2] == [dict, str]


@pytest.mark.anyio
async def test_the_wrong_split_is_told_too() -> None:
    with pytest.raises(TypeError, match=r"sources\.anthropic"):
        async with pace_events(stream_of(MESSAGE), PROGRAM, split=openai.split) as paced:
            async for _ in paced:
                pass


@pytest.mark.anyio
async def test_a_source_of_your_own() -> None:
    source: Source[bytes] = Source(
        name="bytes",
        split=lambda piece: (piece.decode(), "nothing"),
        knows=lambda piece: isinstance(piece, bytes),
    )
    assert await said(Texts(stream_of([b"Hello", b" you"]), source)) == "Hello you"
    assert await said(Texts(stream_of([b"Hello"]), source.split)) == "Hello"
    with pytest.raises(TypeError, match="'bytes' knows none"):
        await said(Texts(stream_of(["Hello"]), source))


def test_a_generator_is_known_by_where_it_was_written() -> None:
    namespace: dict[str, Any] = {"__name__": "openai.streaming"}
    exec("def made():\n    yield", namespace)
    made: Callable[[], Iterator[None]] = namespace["made"]
    assert source_name(made()) == "openai"
    assert source_name(iter([1])) is None
