"""Checks a source against the rules of the seam: for whoever writes one.

    from andes_client.sources import conformance

    def test_my_source():
        conformance.check(SOURCE, recorded, text="Hello you", ending="complete")

`recorded` is a list of all events of one answer, as the SDK gave them. Record them from a real
server, or from a scripted one that speaks its wire format; events that are made by hand only
prove what their author believed.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar, get_args

from andes_client.sources.ending import Notes, Reason
from andes_client.sources.source import Rest, Source
from andes_client.sources.texts import BlockingTexts

__all__ = ["check"]

T = TypeVar("T")

_RESTS: Final = get_args(Rest)
# What is of nobody's stream.
_STRANGERS: Final[tuple[object, ...]] = (None, 3, "text", b"bytes", object(), {}, {"acme": 1}, [])


def check(
    source: Source[T],
    events: Sequence[T],
    *,
    text: str,
    ending: Reason,
    reasoning: str = "",
    dropped: int = 0,
    strangers: Iterable[object] = (),
) -> None:
    """Nothing, if the source keeps the rules on these events.

    Args:
        source: the source.
        events: all events of one answer, in order, as its stream gave them.
        text: the whole answer.
        ending: how it ended.
        reasoning: all that was thought.
        dropped: how many events bring no text and are dropped all the same, as they only say
            again what another has said.
        strangers: events of other kinds of streams, which the source must not know. Some
            that are of nobody's stream are always asked.

    Raises:
        AssertionError: it does not; the message says which rule, which event, and what came.
    """
    assert source.name.strip(), "a source needs a name: messages say it"
    _check_split(source, events, dropped)
    _check_note(source, events)
    _check_knows(source, events, strangers)
    _check_whole(source, events, text, reasoning, ending)
    _check_beginnings(source, events, text)


def _check_split(source: Source[T], events: Sequence[T], dropped: int) -> None:
    """It is total, keeps no state and does not change its event."""
    empty = 0
    for number, event in enumerate(events):
        before = repr(event)
        first = source.split(event)
        assert _is_pair(first), (
            f"split of {_told(number, event)} gave {first!r}: "
            f"it gives a text, and one of {', '.join(map(repr, _RESTS))}"
        )
        again = source.split(event)
        assert again == first, (
            f"split of {_told(number, event)} gave {first!r}, and asked again {again!r}: "
            "it must keep no state"
        )
        assert before == repr(event), f"split has changed event {number}, {_short(before)}"
        empty += first == ("", "nothing")
    assert empty == dropped, (
        f"{empty} events without text have the rest 'nothing' and are lost, instead of {dropped}: "
        "give them 'in turn' or 'at once', or say dropped="
    )


def _is_pair(given: object) -> bool:
    if not isinstance(given, tuple) or len(given) != 2:
        return False
    text, rest = given
    return isinstance(text, str) and rest in _RESTS


def _check_note(source: Source[T], events: Sequence[T]) -> None:
    """It is total, returns nothing and does not change its event."""
    if source.note is None:
        return
    notes = Notes()
    for number, event in enumerate(events):
        before = repr(event)
        source.note(event, notes)
        assert before == repr(event), f"note has changed event {number}, {_short(before)}"


def _check_knows(source: Source[T], events: Sequence[T], strangers: Iterable[object]) -> None:
    """True for each of its own, False for others: both without an error."""
    asked: Any = source.knows
    for number, event in enumerate(events):
        assert asked(event) is True, f"knows is not True for {_told(number, event)}"
    for stranger in (*_STRANGERS, *strangers):
        assert asked(stranger) is False, f"knows is not False for {stranger!r}, which is no event"


def _check_whole(
    source: Source[T], events: Sequence[T], text: str, reasoning: str, ending: Reason
) -> None:
    """All of the answer comes, and its reasoning and its end are told."""
    thought: list[str] = []
    texts = BlockingTexts(iter(events), source, thinks=thought.append)
    said, error = _said(texts)
    assert said == text, f"the text is {said!r}, not {text!r}"
    assert "".join(thought) == reasoning, (
        f"the reasoning is {''.join(thought)!r}, not {reasoning!r}"
    )
    assert texts.ending is not None
    assert texts.ending.reason == ending, f"it ended as {texts.ending}, not as {ending!r}"
    assert (error is not None) == (ending in ("failed", "cut off")), (
        f"it ended as {ending!r}, and {error!r} was raised"
    )


def _check_beginnings(source: Source[T], events: Sequence[T], text: str) -> None:
    """An answer that stops after some of its text has not ended well."""
    promised = source.is_whole(iter(events)) is not None
    # If not, the events themselves may show that their protocol does.
    wanted = ("cut off",) if promised else ("unsaid", "cut off")
    for number, event in enumerate(events):
        begun = BlockingTexts(iter(events[: number + 1]), source)
        said, _ = _said(begun)
        assert text.startswith(said), f"after {_told(number, event)} the text was {said!r}"
        reason = begun.ending.reason if begun.ending else None
        if said and said != text:
            assert reason in wanted, (
                f"a stream that stops after {_told(number, event)}, in the middle of the text, "
                f"has ended as {reason!r}, not as {' or '.join(map(repr, wanted))}"
            )


def _said(texts: BlockingTexts[T]) -> tuple[str, Exception | None]:
    said = ""
    try:
        for piece in texts:
            said += piece
    except Exception as error:
        return said, error
    return said, None


def _told(number: int, event: object) -> str:
    return f"event {number}, {_short(repr(event))}"


def _short(told: str) -> str:
    return told if len(told) <= 200 else told[:200] + "…"
