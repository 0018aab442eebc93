"""A source that keeps the rules passes; each rule that is broken is told in words."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from andes_client.sources import Source, conformance


@dataclass
class Event:
    """Of a protocol that nobody speaks."""

    text: str = ""
    thought: str = ""
    end: str = ""
    seen: list[str] = field(default_factory=list)


EVENTS = [Event(thought="Hm."), Event("Hello"), Event(" you"), Event(end="stop")]


def split(event: Event) -> tuple[str, Any]:
    rest = "at once" if event.thought else "in turn" if event.end else "nothing"
    return event.text, rest


def note(event: Event, notes: Any) -> None:
    if event.thought:
        notes.think(event.thought)
    notes.finish = event.end or notes.finish


GOOD: Source[Event] = Source(
    name="mine",
    split=split,
    note=note,
    knows=lambda event: isinstance(event, Event),
    is_whole=lambda stream: lambda: False,  # noqa: ARG005
)


def check(source: Source[Event], events: list[Event] = EVENTS, **changed: Any) -> None:
    expected: dict[str, Any] = {"text": "Hello you", "reasoning": "Hm.", "ending": "complete"}
    conformance.check(source, events, **{**expected, **changed})


def test_a_source_that_keeps_the_rules() -> None:
    check(GOOD)
    check(replace(GOOD, is_whole=lambda _: None))
    check(GOOD, [*EVENTS[:3], Event(end="length")], ending="length")
    check(GOOD, [*EVENTS[:3]], ending="cut off")
    check(GOOD, [*EVENTS[:2], Event(), *EVENTS[2:]], dropped=1)


def counting() -> Callable[[Event], tuple[str, Any]]:
    asked: list[Event] = []

    def counts(event: Event) -> tuple[str, Any]:
        asked.append(event)
        return ("" if asked.count(event) > 1 else event.text), split(event)[1]

    return counts


def changes(event: Event, *_: Any) -> Any:
    event.seen.append("x")
    return split(event)


BROKEN: list[tuple[Source[Event], dict[str, Any], str]] = [
    (replace(GOOD, name=" "), {}, "needs a name"),
    (replace(GOOD, split=lambda event: (event.text, "later")), {}, "gave .*one of 'nothing'"),  # type: ignore[arg-type, return-value]
    (replace(GOOD, split=lambda event: event.text), {}, "split of event 0.* gave ''"),  # type: ignore[arg-type, return-value]
    (replace(GOOD, split=counting()), {}, "must keep no state"),
    (replace(GOOD, split=changes), {}, "split has changed event 0"),
    (replace(GOOD, note=changes), {}, "note has changed event 0"),
    (replace(GOOD, split=lambda event: (event.text, "nothing")), {}, "2 events .* are lost"),
    (replace(GOOD, knows=lambda event: bool(event and event.text)), {}, "not True for event 0"),
    (replace(GOOD, knows=lambda _: True), {}, "not False for None"),
    (replace(GOOD, split=lambda event: ("", "in turn")), {}, "the text is '', not 'Hello you'"),  # noqa: ARG005
    (replace(GOOD, note=None), {}, "the reasoning is '', not 'Hm.'"),
    (replace(GOOD, is_whole=lambda _: lambda: True), {}, "in the middle .* as 'complete', not"),
    (GOOD, {"ending": "length"}, "ended as .*'stop'.*, not as 'length'"),
    (GOOD, {"strangers": [Event()]}, "not False for Event"),
]


@pytest.mark.parametrize(("source", "changed", "told"), BROKEN, ids=lambda one: str(one)[:30])
def test_a_broken_rule_is_told(source: Source[Event], changed: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=f"(?s){told}"):
        check(source, [replace(event, seen=[]) for event in EVENTS], **changed)


def test_an_error_of_the_source_is_its_own() -> None:
    def fails(event: Event) -> tuple[str, Any]:
        raise KeyError(event.text)

    with pytest.raises(KeyError):
        check(replace(GOOD, split=fails))
