"""How an answer ended is told: failures are raised after the text, other ends are named."""

import enum
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anthropic as anthropic_sdk
import anyio
import openai as openai_sdk
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from andes_client import Expectation, pace, pace_blocking
from andes_client.sources import (
    Ending,
    PacedEvents,
    Rest,
    StreamError,
    anthropic,
    langchain,
    litellm,
    openai,
    pace_events,
)
from andes_client.sources.content import taken_apart
from andes_client.sources.ending import words
from tests.client.scripted_server import (
    DONE,
    QUICK,
    ScriptedServer,
    chat,
    on_real_loops,
    sse,
    tool_call,
)

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:Async generator '{name}:ResourceWarning")
    for name in ("anthropic", "openai", "httpx2", "httpcore2")
]


def chunk(finish_reason: Any = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def delta(kind: str, text: str) -> dict[str, Any]:
    return {"type": f"response.{kind}.delta", "delta": text}


def ended(state: str, **response: Any) -> dict[str, Any]:
    return {"type": f"response.{state}", "response": {"status": state, **response}}


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "delta": {"type": kind, **fields}}


def opens(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "content_block": {"type": kind, **fields}}


def stops(reason: str | None, **fields: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **fields}}


def said(text: str = "", **fields: Any) -> AIMessageChunk:
    return AIMessageChunk(content=text, **fields)


ONE = chunk(content="One")
SAYS = delta("output_text", "One")
WRITES = block("text_delta", text="One")
CALLS = [{"type": "response.output_item.added", "item": {"type": "function_call", "name": "look"}}]
SEARCHES = [{"type": "response.output_item.added", "item": {"type": "web_search_call"}}]

ENDINGS: list[tuple[Any, list[Any], str, Ending]] = [
    # Chat completions, of OpenAI and of others.
    (openai, [ONE, chunk("stop")], "One", Ending("complete", "stop")),
    (openai, [ONE, chunk("length")], "One", Ending("length", "length")),
    (openai, [ONE, chunk("content_filter")], "One", Ending("filtered", "content_filter")),
    (openai, [chunk("content_filter")], "", Ending("filtered", "content_filter")),
    (openai, [chunk("SAFETY", content="One")], "One", Ending("filtered", "SAFETY")),
    (openai, [ONE, chunk("function_call")], "One", Ending("tool call", "function_call")),
    (
        openai,
        [ONE, chunk(tool_calls=[tool_call("", "look")]), chunk("tool_calls")],
        "One",
        Ending("tool call", "look"),
    ),
    (  # as some servers say it
        openai,
        [chunk("stop", tool_calls=[tool_call("", "look"), tool_call("{}")])],
        "",
        Ending("tool call", "look"),
    ),
    (
        openai,
        [chunk(function_call={"name": "look", "arguments": ""}), chunk("function_call")],
        "",
        Ending("tool call", "look"),
    ),
    (
        openai,
        [chunk(refusal="I will"), chunk(refusal=" not."), chunk("stop")],
        "",
        Ending("refused", "I will not."),
    ),
    (openai, [ONE, chunk(refusal="No."), chunk("stop")], "One", Ending("refused", "No.")),
    (openai, [chunk(reasoning="Hm."), chunk("stop")], "", Ending("only reasoning", "stop")),
    (
        openai,
        [chunk(reasoning_content="Hm."), chunk("length", content="\n\n")],
        "\n\n",
        Ending("only reasoning", "length"),
    ),
    (openai, [chunk("stop", content="<think>Hm.")], "", Ending("only reasoning", "stop")),
    (  # the text was given before anyone could know
        openai,
        [chunk(content="Hm."), chunk(content="\n</think>\n"), chunk("stop")],
        "Hm.",
        Ending("only reasoning", "stop"),
    ),
    (
        openai,
        [chunk(content=[{"type": "thinking", "thinking": "Hm."}]), chunk("stop")],
        "",
        Ending("only reasoning", "stop"),
    ),
    (openai, [chunk(role="assistant", content=""), chunk("stop")], "", Ending("empty", "stop")),
    (openai, [ONE, chunk("bored")], "One", Ending("other", "bored")),
    (openai, [ONE, chunk(""), chunk("stop")], "One", Ending("complete", "stop")),
    (  # of another choice it is none of ours
        openai,
        [ONE, {"choices": [{"index": 1, "finish_reason": "length"}]}, chunk("stop")],
        "One",
        Ending("complete", "stop"),
    ),
    (
        openai,
        [{"choices": [{"index": 0, "text": "One", "finish_reason": "stop"}]}],
        "One",
        Ending("complete", "stop"),
    ),
    # The Responses API.
    (openai, [SAYS, ended("completed")], "One", Ending("complete", "completed")),
    (
        openai,
        [SAYS, ended("incomplete", incomplete_details={"reason": "max_output_tokens"})],
        "One",
        Ending("length", "max_output_tokens"),
    ),
    (
        openai,
        [SAYS, ended("incomplete", incomplete_details={"reason": "content_filter"})],
        "One",
        Ending("filtered", "content_filter"),
    ),
    (openai, [SAYS, ended("incomplete")], "One", Ending("other", "incomplete")),
    (openai, [*CALLS, ended("completed")], "", Ending("tool call", "look")),
    (openai, [*SEARCHES, SAYS, ended("completed")], "One", Ending("complete", "completed")),
    (
        openai,
        [delta("refusal", "I will"), delta("refusal", " not."), ended("completed")],
        "",
        Ending("refused", "I will not."),
    ),
    (
        openai,
        [delta("reasoning_text", "Hm."), ended("completed")],
        "",
        Ending("only reasoning", "completed"),
    ),
    (
        openai,
        [
            delta("reasoning_summary_text", "Hm."),
            ended("incomplete", incomplete_details={"reason": "max_output_tokens"}),
        ],
        "",
        Ending("only reasoning", "max_output_tokens"),
    ),
    # Anthropic.
    (anthropic, [WRITES, stops("end_turn")], "One", Ending("complete", "end_turn")),
    (anthropic, [WRITES, stops("stop_sequence")], "One", Ending("complete", "stop_sequence")),
    (anthropic, [WRITES, stops("max_tokens")], "One", Ending("length", "max_tokens")),
    (
        anthropic,
        [WRITES, stops("model_context_window_exceeded")],
        "One",
        Ending("length", "model_context_window_exceeded"),
    ),
    (
        anthropic,
        [WRITES, stops("refusal", stop_details={"explanation": "Not that."})],
        "One",
        Ending("refused", "Not that."),
    ),
    (anthropic, [stops("refusal")], "", Ending("refused", "refusal")),
    (
        anthropic,
        [WRITES, opens("tool_use", name="look"), stops("tool_use")],
        "One",
        Ending("tool call", "look"),
    ),
    (
        anthropic,
        [opens("server_tool_use", name="search"), WRITES, stops("end_turn")],
        "One",
        Ending("complete", "end_turn"),
    ),
    (
        anthropic,
        [opens("thinking"), block("thinking_delta", thinking="Hm."), stops("max_tokens")],
        "",
        Ending("only reasoning", "max_tokens"),
    ),
    (
        anthropic,
        [opens("redacted_thinking"), stops("end_turn")],
        "",
        Ending("only reasoning", "end_turn"),
    ),
    (anthropic, [WRITES, stops("pause_turn")], "One", Ending("other", "pause_turn")),
    (anthropic, [WRITES, stops(None), {"type": "message_stop"}], "One", Ending("complete")),
    # LiteLLM.
    (litellm, [ONE, chunk("length")], "One", Ending("length", "length")),
    (
        litellm,
        [chunk(thinking_blocks=[{"type": "thinking", "thinking": "Hm."}]), chunk("stop")],
        "",
        Ending("only reasoning", "stop"),
    ),
    # LangChain, of several providers.
    (
        langchain,
        [said("One"), said(response_metadata={"finish_reason": "length"})],
        "One",
        Ending("length", "length"),
    ),
    (
        langchain,
        [said("One"), said(response_metadata={"stop_reason": "end_turn"})],
        "One",
        Ending("complete", "end_turn"),
    ),
    (
        langchain,
        [said("One"), said(response_metadata={"done_reason": "stop"})],
        "One",
        Ending("complete", "stop"),
    ),
    (
        langchain,
        [
            said(tool_call_chunks=[{"name": "look", "args": "", "id": "1", "index": 0}]),
            said(response_metadata={"finish_reason": "tool_calls"}),
        ],
        "",
        Ending("tool call", "look"),
    ),
    (
        langchain,
        [
            said(additional_kwargs={"refusal": "No."}),
            said(response_metadata={"finish_reason": "stop"}),
        ],
        "",
        Ending("refused", "No."),
    ),
    (
        langchain,
        [
            said(additional_kwargs={"reasoning_content": "Hm."}),
            said(response_metadata={"finish_reason": "stop"}),
        ],
        "",
        Ending("only reasoning", "stop"),
    ),
    (langchain, [AIMessage(content="One")], "One", Ending("unsaid")),
    (langchain, [], "", Ending("unsaid")),
]

CUT_OFF = Ending("cut off")
FAILURES: list[tuple[Any, list[Any], str, Ending]] = [
    (openai, [ONE], "One", CUT_OFF),
    (openai, [], "", CUT_OFF),
    (openai, [ONE, {"choices": [], "usage": {"total_tokens": 8}}], "One", CUT_OFF),
    (openai, [chunk(reasoning="Hm.")], "", CUT_OFF),
    (openai, [ONE, chunk("error")], "One", Ending("failed", "error")),
    (openai, [ONE, chunk("abort")], "One", Ending("failed", "abort")),
    (
        openai,
        [ONE, {"choices": [{"index": 0, "finish_reason": "error", "error": {"message": "Dead"}}]}],
        "One",
        Ending("failed", "Dead"),
    ),
    (openai, [ONE, {"error": {"message": "Dead"}}], "One", Ending("failed", "Dead")),
    (openai, [SAYS], "One", CUT_OFF),
    (
        openai,
        [SAYS, ended("failed", error={"code": "server_error", "message": "Dead"})],
        "One",
        Ending("failed", "Dead"),
    ),
    (openai, [SAYS, ended("failed")], "One", Ending("failed", "the response failed")),
    (openai, [SAYS, ended("cancelled")], "One", Ending("failed", "cancelled")),
    (
        openai,
        [SAYS, {"type": "error", "code": "x", "message": "Dead", "param": None}, SAYS],
        "One",
        Ending("failed", "Dead"),
    ),
    (openai, [{"type": "error", "code": "x", "message": ""}], "", Ending("failed", "x")),
    (anthropic, [WRITES], "One", CUT_OFF),
    (anthropic, [WRITES, {"type": "content_block_stop"}], "One", CUT_OFF),
    (
        anthropic,
        [WRITES, {"type": "error", "error": {"type": "overloaded_error", "message": "Too much"}}],
        "One",
        Ending("failed", "Too much"),
    ),
    (litellm, [ONE], "One", CUT_OFF),
]


async def stream(events: list[Any], error: Exception | None = None) -> AsyncGenerator[Any, None]:
    for event in events:
        yield event
    if error is not None:
        raise error


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events", "text", "ending"), ENDINGS)
async def test_an_end_that_is_no_failure_is_named(
    source: Any, events: list[Any], text: str, ending: Ending
) -> None:
    texts = source.text(stream(events))
    assert texts.ending is None
    async with pace(texts, Expectation.program()) as paced:
        assert "".join([word async for word in paced]) == text
    assert texts.ending == ending


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events", "text", "ending"), FAILURES)
async def test_a_failure_is_raised_after_the_text(
    source: Any, events: list[Any], text: str, ending: Ending
) -> None:
    texts = source.text(stream(events))
    seen = []
    with pytest.raises(StreamError) as raised:
        async with pace(texts, Expectation.program()) as paced:
            async for word in paced:
                seen.append(word)
    assert "".join(seen) == text
    assert texts.ending == raised.value.ending == ending
    assert str(raised.value) == (ending.said or "the stream stopped before the answer was whole")


def events_of(source: Any, events: list[Any], **options: Any) -> PacedEvents[Any]:
    return pace_events(stream(events), Expectation.program(), split=source.split, **options)


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events", "text", "ending"), ENDINGS)
async def test_pace_events_passes_on_every_end_and_names_it(
    source: Any, events: list[Any], text: str, ending: Ending
) -> None:
    async with events_of(source, events) as paced:
        items = [item async for item in paced]
        assert paced.ending == ending
    assert "".join(item for item in items if isinstance(item, str)) == text
    if events and source.split(events[-1])[1] != "nothing":
        assert items[-1] is events[-1]


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events", "text", "ending"), FAILURES)
async def test_pace_events_raises_a_failure_after_the_event_that_tells_it(
    source: Any, events: list[Any], text: str, ending: Ending
) -> None:
    items = []
    with pytest.raises(StreamError) as raised:
        async with events_of(source, events) as paced:
            assert paced.ending is None
            async for item in paced:
                items.append(item)
    assert "".join(item for item in items if isinstance(item, str)) == text
    assert paced.ending == raised.value.ending == ending
    told = [event for event in events if source.split(event)[1] != "nothing"]
    assert [item for item in items if not isinstance(item, str)] == told


@pytest.mark.anyio
async def test_pace_events_tells_how_a_stream_broke_and_nothing_of_one_that_was_left() -> None:
    for error in (ConnectionError("gone"), StreamError("Dead")):
        broken = stream([chunk(content="One\n``")], error)
        paced = pace_events(broken, Expectation.program(), split=openai.split)
        with pytest.raises(type(error)):
            async with paced:
                assert [item async for item in paced] == []
        assert paced.ending == Ending("failed", str(error))

    async def endless() -> AsyncGenerator[Any, None]:
        yield ONE
        await anyio.sleep_forever()

    async with pace_events(endless(), Expectation.program(), split=openai.split) as left:
        assert await anext(left) == "One"
    assert left.ending is None


@pytest.mark.anyio
async def test_a_split_of_ones_own_names_the_end_with_the_note_of_what_it_wraps() -> None:
    def louder(event: Any) -> tuple[str, Rest]:
        text, rest = openai.split(event)
        return text.upper(), rest

    cut = [ONE, chunk("content_filter")]
    async with pace_events(stream(cut), Expectation.program(), split=louder) as paced:
        assert [item async for item in paced] == ["ONE", cut[1]]
    assert paced.ending == Ending("unsaid")
    noted = pace_events(stream(cut), Expectation.program(), split=louder, note=openai.note)
    async with noted as paced:
        assert [item async for item in paced] == ["ONE", cut[1]]
    assert paced.ending == Ending("filtered", "content_filter")
    broken = pace_events(stream([ONE]), Expectation.program(), split=louder, note=openai.note)
    with pytest.raises(StreamError, match="stopped before the answer was whole"):
        async with broken:
            async for _ in broken:
                pass


@pytest.mark.parametrize("source", [openai, anthropic, langchain])
def test_plain_iterators_tell_the_same(source: Any) -> None:
    for module, events, text, ending in ENDINGS:
        if module is source:
            texts = source.text_blocking(iter(events))
            assert ("".join(texts), texts.ending) == (text, ending)
    for module, events, _, ending in FAILURES:
        if module is source:
            texts = source.text_blocking(iter(events))
            with pytest.raises(StreamError):
                "".join(texts)
            assert texts.ending == ending


@pytest.mark.anyio
async def test_an_error_of_the_stream_itself_is_raised_as_it_is() -> None:
    for error in (ConnectionError("gone"), StreamError("Dead")):
        texts = openai.text(stream([chunk(content="One\n``")], error))
        seen = []
        with pytest.raises(type(error)):
            async for word in texts:
                seen.append(word)
        assert "".join(seen) == "One\n``"
        assert texts.ending == Ending("failed", str(error))


@pytest.mark.anyio
async def test_an_answer_that_was_left_has_no_end() -> None:
    async def endless() -> AsyncGenerator[Any, None]:
        yield ONE
        await anyio.sleep_forever()

    texts = openai.text(endless())
    async with pace(texts, Expectation.program()) as paced:
        async for _ in paced:
            break
    assert texts.ending is None


THOUGHTS: list[tuple[Any, list[Any]]] = [
    (openai, [chunk(content="<think>Why"), chunk(content=" not?</think>\n\nOne"), chunk("stop")]),
    (openai, [chunk(content=part) for part in "<think>Why not?</think>One"] + [chunk("stop")]),
    (openai, [chunk(reasoning="Why"), chunk(reasoning=" not?"), ONE, chunk("stop")]),
    (openai, [chunk(reasoning_content="Why not?", content="One"), chunk("stop")]),
    (openai, [chunk(reasoning="Why not?", reasoning_content="Why not?"), ONE, chunk("stop")]),
    (openai, [delta("reasoning_text", "Why not?"), SAYS, ended("completed")]),
    (
        openai,
        [
            chunk(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Why "}]}]),
            chunk(
                content=[{"type": "thinking", "thinking": "not?"}, {"type": "text", "text": "O"}]
            ),
            chunk(content="ne"),
            chunk("stop"),
        ],
    ),
    (anthropic, [block("thinking_delta", thinking="Why not?"), WRITES, stops("end_turn")]),
    (litellm, [chunk(reasoning_content="Why not?", thinking_blocks=[{}]), ONE, chunk("stop")]),
    (langchain, [said(additional_kwargs={"reasoning_content": "Why not?"}), said("One")]),
    (langchain, [said("<think>Why not?</think>One")]),
    (
        langchain,
        [
            AIMessageChunk(content=[{"type": "reasoning", "reasoning": "Why "}]),
            AIMessageChunk(content=[{"type": "thinking", "thinking": "not?"}, "One"]),
        ],
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events"), THOUGHTS)
async def test_reasoning_of_every_form_is_no_text(source: Any, events: list[Any]) -> None:
    thought: list[str] = []
    texts = source.text(stream(events), thinks=thought.append)
    assert "".join([word async for word in texts]) == "One"
    assert "".join(thought) == "Why not?"


@pytest.mark.anyio
@pytest.mark.parametrize(("source", "events"), THOUGHTS)
async def test_reasoning_of_every_form_is_no_text_of_pace_events(
    source: Any, events: list[Any]
) -> None:
    thought: list[str] = []
    async with events_of(source, events, thinks=thought.append) as paced:
        items = [item async for item in paced]
    assert "".join(item for item in items if isinstance(item, str)) == "One"
    assert "".join(thought) == "Why not?"


@pytest.mark.anyio
async def test_one_who_knows_that_it_begins_with_reasoning_says_so() -> None:
    thought: list[str] = []
    events = [chunk(content="Why"), chunk(content=" not?\n</think>\n\nOne"), chunk("stop")]
    texts = openai.text(stream(events), thinks=thought.append, begins_thinking=True)
    assert "".join([word async for word in texts]) == "One"
    assert "".join(thought) == "Why not?\n"
    paced = pace_events(
        stream(events), Expectation.program(), split=openai.split, begins_thinking=True
    )
    async with paced:
        assert [item async for item in paced] == [*events[:2], "One", events[2]]


@pytest.mark.anyio
async def test_a_thinking_block_in_the_text_is_passed_on_at_once_and_costs_no_time() -> None:
    events = [
        chunk(content="<think>"),
        chunk(content="word " * 1000),
        chunk(content="</think>\n\n"),
        chunk(content="One two\n``"),
        chunk("stop", content="`"),
    ]
    start = anyio.current_time()
    items = []
    async with pace_events(stream(events), Expectation(1.0, 4 / 3), split=openai.split) as paced:
        async for item in paced:
            items.append((round(anyio.current_time() - start), item))
    assert items[0] == (0, events[1])
    assert "".join(item for _, item in items if isinstance(item, str)) == "One two\n```"
    assert items[-1][1] is events[-1], "the end of the text comes before the end"
    assert items[-1][0] < 10


PARTS: list[tuple[Any, str, str, bool]] = [
    (None, "", "", False),
    ("One", "One", "", False),
    ([], "", "", False),
    (["One", " two"], "One two", "", False),
    ([{"type": "text", "text": "One"}, {"type": "text", "text": " two"}], "One two", "", False),
    ([{"type": "text", "text": None}], "", "", False),
    ([{"text": "One"}], "One", "", False),
    ([{"type": "output_text", "text": "One"}], "One", "", False),
    ({"type": "text", "text": "One"}, "One", "", False),
    ([{"type": "text", "text": {"value": "One"}}], "One", "", False),
    ([{"type": "reasoning_content", "reasoning_content": {"text": "Hm."}}], "", "Hm.", False),
    (
        [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}],
        "",
        "Hm.",
        False,
    ),
    ([{"type": "image_url", "image_url": {}}, "One"], "One", "", True),
    ([{"type": "reference", "reference_ids": [1]}], "", "", True),
    ([7], "", "", True),
]


@pytest.mark.parametrize(("content", "text", "reasoning", "more"), PARTS)
def test_a_content_may_be_a_list_of_parts(
    content: Any, text: str, reasoning: str, more: bool
) -> None:
    parts = taken_apart(content)
    assert (parts.text, parts.reasoning, parts.more) == (text, reasoning, more)
    begins = more or parts.thinks
    rest = "at once" if begins else "nothing" if text else "in turn"
    assert openai.split(chunk(content=content)) == (text, rest)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("a\n b", "a b"),
        ({"message": "a", "error": "b"}, "a"),
        ({"error": {"message": "a"}}, "a"),
        ({"error": {"message": "", "code": 5}}, "5"),
        ([{"msg": "a"}, {"msg": "b"}], "a; b"),
        ({}, "{}"),
        (None, ""),
        ({"error": {"error": {"error": {"error": {"error": {"error": {"error": {}}}}}}}}, "{}"),
    ],
)
def test_an_error_has_its_words_in_one_of_many_places(error: Any, said: str) -> None:
    assert words(error).endswith(said)


ASK: dict[str, Any] = {"model": "scripted", "messages": [{"role": "user", "content": "Hi"}]}
RESPONSE = {
    "id": "resp-1",
    "object": "response",
    "created_at": 1,
    "model": "scripted",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
IN_MESSAGE = {"item_id": "msg-1", "output_index": 0, "content_index": 0, "logprobs": []}
ANSWERS = sse(
    {"type": "response.output_text.delta", "sequence_number": 0, "delta": "One", **IN_MESSAGE},
    "response.output_text.delta",
)


def over(state: str, **fields: Any) -> bytes:
    """The last event of a response, as the API has it."""
    response = {**RESPONSE, "status": state, **fields}
    kind = f"response.{state}"
    return sse({"type": kind, "sequence_number": 1, "response": response}, kind)


REPORTED = sse(
    {"type": "error", "sequence_number": 1, "code": "x", "message": "Dead", "param": None}, "error"
)
OVER_HTTP: list[tuple[str, list[bytes], Ending]] = [
    (
        "chat",
        [chat(content="One"), chat(finish_reason="content_filter"), DONE],
        Ending("filtered", "content_filter"),
    ),
    ("chat", [chat(content="One"), chat(finish_reason="error"), DONE], Ending("failed", "error")),
    ("chat", [chat(content="One"), DONE], Ending("complete")),
    ("chat", [chat(content="One"), b"data: [DONE] \r\n\r\n"], Ending("complete")),
    ("chat", [chat(content="One")], CUT_OFF),
    ("chat", [chat(content="One"), b": [DONE]\n\n"], CUT_OFF),
    ("chat", [chat(content=[{"type": "text", "text": "One"}]), DONE], Ending("complete")),
    (
        "responses",
        [ANSWERS, over("failed", error={"code": "server_error", "message": "Dead"})],
        Ending("failed", "Dead"),
    ),
    (
        "responses",
        [ANSWERS, over("incomplete", incomplete_details={"reason": "max_output_tokens"})],
        Ending("length", "max_output_tokens"),
    ),
    (
        "responses",
        [ANSWERS, over("incomplete", incomplete_details={"reason": "content_filter"})],
        Ending("filtered", "content_filter"),
    ),
    ("responses", [ANSWERS, REPORTED], Ending("failed", "Dead")),
    ("responses", [ANSWERS], CUT_OFF),
    ("responses", [ANSWERS, over("completed")], Ending("complete", "completed")),
]


def failing(ending: Ending) -> AbstractContextManager[object]:
    """Whether the end is raised."""
    is_failure = ending.reason in ("failed", "cut off")
    return pytest.raises(StreamError) if is_failure else nullcontext()


@pytest.mark.anyio
@on_real_loops
@pytest.mark.parametrize(("api", "script", "ending"), OVER_HTTP)
async def test_the_real_sdk_tells_no_end_and_text_does(
    server: ScriptedServer, api: str, script: list[bytes], ending: Ending
) -> None:
    server.says(*script)
    seen = []
    async with openai_sdk.AsyncOpenAI(
        base_url=server.url + "/v1", api_key="none", max_retries=0
    ) as sdk:
        sent: Any
        if api == "chat":
            sent = await sdk.chat.completions.create(**ASK, stream=True)
        else:
            sent = await sdk.responses.create(model="scripted", input="Hi", stream=True)
        texts = openai.text(sent)
        with failing(ending):
            async with pace(texts, QUICK) as paced:
                async for word in paced:
                    seen.append(word)
    assert "".join(seen) == "One"
    assert texts.ending == ending


@pytest.mark.parametrize(("api", "script", "ending"), OVER_HTTP)
def test_the_plain_sdk_likewise(
    server: ScriptedServer, api: str, script: list[bytes], ending: Ending
) -> None:
    server.says(*script)
    with openai_sdk.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as sdk:
        sent: Any
        if api == "chat":
            sent = sdk.chat.completions.create(**ASK, stream=True)
        else:
            sent = sdk.responses.create(model="scripted", input="Hi", stream=True)
        texts = openai.text_blocking(sent)
        seen = []
        with failing(ending), pace_blocking(texts, QUICK) as paced:
            for word in paced:
                seen.append(word)
    assert "".join(seen) == "One"
    assert texts.ending == ending


@pytest.mark.anyio
@on_real_loops
async def test_the_sdks_own_event_stream_has_its_end(server: ScriptedServer) -> None:
    sdk = openai_sdk.AsyncOpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    async with sdk:
        for script, ending in (
            ([chat(content="One"), chat(finish_reason="stop"), DONE], Ending("complete", "stop")),
            ([chat(content="One"), DONE], Ending("complete")),
        ):
            server.says(*script)
            async with sdk.chat.completions.stream(**ASK) as sent:
                texts = openai.text(sent)
                assert "".join([word async for word in texts]) == "One"
            assert texts.ending == ending
        server.says(chat(content="One"))
        async with sdk.chat.completions.stream(**ASK) as sent:
            with pytest.raises(StreamError):
                assert [word async for word in openai.text(sent)] == ["One"]


@pytest.mark.anyio
@on_real_loops
async def test_anthropics_real_sdk_likewise(server: ScriptedServer) -> None:
    def event(kind: str, **fields: Any) -> bytes:
        return sse({"type": kind, **fields}, kind)

    message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": []}
    begins = [
        event(
            "message_start", message={**message, "usage": {"input_tokens": 1, "output_tokens": 0}}
        ),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "One"}),
    ]
    details = {"type": "refusal", "category": None, "explanation": "Not that."}
    refuses = event(
        "message_delta",
        delta={"stop_reason": "refusal", "stop_details": details},
        usage={"output_tokens": 1},
    )
    async with anthropic_sdk.AsyncAnthropic(
        base_url=server.url, api_key="none", max_retries=0
    ) as sdk:
        server.says(*begins, refuses, event("message_stop"))
        texts = anthropic.text(await sdk.messages.create(**ASK, max_tokens=9, stream=True))
        assert "".join([word async for word in texts]) == "One"
        assert texts.ending == Ending("refused", "Not that.")
        server.says(*begins)
        texts = anthropic.text(await sdk.messages.create(**ASK, max_tokens=9, stream=True))
        with pytest.raises(StreamError):
            assert [word async for word in texts] == ["One"]
        assert texts.ending == CUT_OFF


@pytest.mark.anyio
@on_real_loops
async def test_a_key_that_the_server_quotes_in_its_stream_is_in_no_error(
    server: ScriptedServer,
) -> None:
    secret = "sk-very-secret-0123456789"
    failed = {"status": "failed", "error": {"message": f"Bad key {secret}"}}
    server.says(sse({"type": "response.failed", "response": failed}, "response.failed"))
    async with openai_sdk.AsyncOpenAI(
        base_url=server.url + "/v1", api_key=secret, max_retries=0
    ) as sdk:
        sent = await sdk.responses.create(model="scripted", input="Hi", stream=True)
        texts = openai.text(sent)
        with pytest.raises(StreamError, match=r"Bad key \[key\]"):
            assert [word async for word in texts] == []
    assert texts.ending == Ending("failed", "Bad key [key]")


class _Finish(enum.Enum):
    LENGTH = "length"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("finish", "ending"),
    [
        (_Finish.LENGTH, Ending("length", "length")),
        (5, Ending("other", "5")),
        ({"type": "stop"}, Ending("other", "{'type': 'stop'}")),
    ],
)
async def test_a_finish_reason_that_is_no_text_is_one(finish: Any, ending: Ending) -> None:
    texts = openai.text(stream([chunk(finish, content="Hi")]))
    assert [delta async for delta in texts] == ["Hi"]
    assert texts.ending == ending
