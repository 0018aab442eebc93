"""Answers of several messages, as agents give them: the last one's end is that of the answer."""

from typing import Any

import pytest

from andes_client.sources import Source, StreamError
from andes_client.sources.ending import Notes
from andes_client.sources.texts import BlockingTexts

Event = tuple[str, str]  # what begins, and the text


def note(event: Event, notes: Notes) -> None:
    kind, text = event
    if kind == "message" or kind.startswith("of "):
        notes.turn(None if kind == "message" else kind)
    elif kind == "ask":
        notes.ask("look")
    elif kind == "finish":
        notes.finish = text
    elif kind == "promise":
        notes.promised = True


def split(event: Event) -> tuple[str, Any]:
    kind, text = event
    return ("", "in turn") if kind == "finish" else (text, "nothing" if text else "in turn")


def message(event: Event) -> object:
    kind, _ = event
    return object() if kind == "message" else kind if kind.startswith("of ") else None


SOURCE: Source[Event] = Source(name="turns", split=split, note=note, message=message)


def said(*events: Event) -> str:
    return "".join(BlockingTexts(iter(events), SOURCE))


def test_each_message_may_begin_with_thinking() -> None:
    thoughts: list[str] = []
    events = [("message", "<think>Hm.</think>One"), ("message", "<think>So.</think>Two")]
    texts = BlockingTexts(iter(events), SOURCE, thinks=thoughts.append)
    assert "".join(texts) == "One\n\nTwo"
    assert thoughts == ["Hm.", "So."]


def test_messages_that_alternate_are_parted_where_they_do() -> None:
    events = [("of a", "One"), ("of a", " two"), ("of b", "Three"), ("of a", "four")]
    assert said(*events) == "One two\n\nThree\n\nfour"


def test_the_last_message_says_how_the_answer_ended() -> None:
    asks: list[Event] = [("message", "Let me look."), ("ask", ""), ("finish", "tool_calls")]
    texts = BlockingTexts(iter([*asks, ("message", "It is 42."), ("finish", "stop")]), SOURCE)
    list(texts)
    assert texts.ending is not None
    assert texts.ending.reason == "complete"
    texts = BlockingTexts(iter(asks), SOURCE)
    list(texts)
    assert texts.ending is not None
    assert (texts.ending.reason, texts.ending.said) == ("tool call", "look")


def test_the_last_message_may_be_cut_off_after_others_that_were_not() -> None:
    events = [("promise", ""), ("message", "One"), ("finish", "stop"), ("message", "Two")]
    with pytest.raises(StreamError, match="before the answer was whole"):
        said(*events)


def test_a_source_made_anew_for_each_stream_keeps_state() -> None:
    def anew(_: object) -> Source[str]:
        seen = ""

        def cumulative(text: str) -> tuple[str, Any]:
            nonlocal seen
            new, seen = text.removeprefix(seen), text
            return new, "nothing"

        return Source(name="cumulative", split=cumulative)

    source: Source[str] = Source(name="cumulative", split=lambda text: (text, "nothing"), anew=anew)
    for _ in range(2):
        assert "".join(BlockingTexts(iter(["One", "One two"]), source)) == "One two"
