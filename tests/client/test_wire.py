import json
import math
import random
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import Expectation, reading, wire


@given(
    st.floats(0, 1000),
    st.one_of(st.floats(0.01, 1000), st.just(math.inf)),
    st.none() | st.text(min_size=1, max_size=40),
)
def test_what_is_sent_is_what_is_read(ttft: float, tds: float, user: str | None) -> None:
    expectation = Expectation(ttft, tds)
    sent = json.loads(json.dumps(wire.encode(expectation, stream="s1", user=user)))
    hints = wire.decode(sent)
    assert reading().updated(hints) == expectation
    assert (hints.stream, hints.user) == ("s1", user)


def test_the_names_on_the_wire() -> None:
    """Others rely on these: a change of one is a change of protocol."""
    assert wire.FIELD == "vllm_xargs"
    assert wire.encode(Expectation(1.0, 4.8), stream="a", user="b") == {
        "andes_ttft": 1.0,
        "andes_tds": 4.8,
        "andes_stream": "a",
        "andes_user": "b",
    }
    assert wire.encode(Expectation.program())["andes_tds"] == "inf"


def test_what_is_not_said_takes_the_default() -> None:
    default = Expectation(2.0, 3.0)
    assert default.updated(wire.decode(None)) == default
    assert default.updated(wire.decode({"other": [1]})) == default
    assert default.updated(wire.decode({"andes_tds": 6})) == Expectation(2.0, 6.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"andes_tds": 0}, "andes_tds must be tokens/s above 0"),
        ({"andes_tds": -2}, "andes_tds must be tokens/s above 0"),
        ({"andes_tds": math.nan}, "andes_tds must be tokens/s above 0"),
        ({"andes_tds": 1e300}, "andes_tds must be tokens/s above 0"),
        ({"andes_tds": "fast"}, "andes_tds must be a number"),
        ({"andes_tds": True}, "andes_tds must be a number"),
        ({"andes_tds": [4.8]}, "andes_tds must be a number"),
        ({"andes_ttft": -1}, "andes_ttft must be seconds, 0 or more"),
        ({"andes_ttft": "inf"}, "andes_ttft must be a number"),
        ({"andes_stream": 7}, "andes_stream must be 1 to 256 characters"),
        ({"andes_user": ""}, "andes_user must be 1 to 256 characters"),
        ({"andes_user": "x" * 257}, "andes_user must be 1 to 256 characters"),
    ],
)
def test_a_bad_hint_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(wire.WireError, match=message):
        wire.decode(values)


HUGE = 10**5000  # Python refuses to write it


@pytest.mark.parametrize(
    "value",
    [HUGE, -HUGE, 10**400, [HUGE], {"a": [1, HUGE]}, "9" * 5000],
    ids=["huge", "below", "large", "list", "mapping", "text"],
)
@pytest.mark.parametrize("key", ["andes_tds", "andes_ttft", "andes_stream", "andes_user"])
def test_a_number_of_thousands_of_digits_is_a_bad_hint_too(key: str, value: object) -> None:
    with pytest.raises(wire.WireError, match=f"^{key} must be ") as caught:
        wire.decode({key: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4.8, "4.8"),
        (10**30, str(10**30)),
        (HUGE, "an integer of 16610 bits"),
        ([HUGE], "a list with such an integer in it"),
        ("x" * 99, "'" + "x" * 56 + "..."),
        (True, "True"),
    ],
    ids=["float", "integer", "huge", "list", "text", "bool"],
)
def test_a_value_is_shown_as_far_as_it_can_be(value: object, shown: str) -> None:
    assert wire.shown(value) == shown


def test_what_a_server_would_refuse_is_not_sent() -> None:
    with pytest.raises(wire.WireError, match="andes_stream"):
        wire.encode(reading(), stream="")


REPORT: dict[str, Any] = {
    "v": 1, "stream": "a", "n": 3, "units": 41, "tokens": 57.5, "buffer_s": 2.5,
    "speed": 1.5, "state": "reading", "delay_s": 0.08,
}  # fmt: skip

STREAM_IDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"\\'),
    min_size=1,
    max_size=48,
)
REPORTS = st.builds(
    wire.Report,
    stream=STREAM_IDS,
    number=st.integers(0, 2**53 - 1),
    units=st.integers(0, 10**7),
    tokens=st.floats(0, 1e7),
    buffer_s=st.floats(0, 86_400),
    speed=st.floats(1e-3, 1e3),
    state=st.sampled_from(get_args(wire.State)),
    delay_s=st.floats(0, 3_600),
)


def as_sent(report: wire.Report) -> str:
    return json.dumps(wire.encode_report(report), separators=(",", ":"))


@given(REPORTS)
def test_a_report_is_read_as_it_was_sent(report: wire.Report) -> None:
    read = wire.decode_report(json.loads(as_sent(report)))
    assert (read.stream, read.number, read.units, read.state) == (
        report.stream,
        report.number,
        report.units,
        report.state,
    )
    assert read.tokens == pytest.approx(report.tokens, abs=0.051)
    assert read.buffer_s == pytest.approx(report.buffer_s, abs=0.0051)
    assert read.speed == pytest.approx(report.speed, rel=0.0051)
    assert read.delay_s == pytest.approx(report.delay_s, abs=0.0051)
    assert as_sent(read) == as_sent(report)


@given(REPORTS)
def test_a_report_takes_200_bytes_at_most(report: wire.Report) -> None:
    assert len(as_sent(report).encode()) <= 200


def test_the_longest_report_takes_200_bytes_at_most() -> None:
    longest = wire.Report(
        stream="x" * 48,
        number=2**53 - 1,
        units=10**7,
        tokens=9_999_999.9,
        buffer_s=86_399.99,
        speed=0.00123,
        state="revealed",
        delay_s=3_599.99,
    )
    assert 190 < len(as_sent(longest)) <= 200


def test_the_names_of_a_report() -> None:
    """Others rely on these: a change of one is a change of protocol, and needs another version."""
    assert wire.REPORT_VERSION == 1
    assert wire.encode_report(wire.decode_report(REPORT)) == REPORT
    assert get_args(wire.State) == ("reading", "paused", "hidden", "revealed", "gone")


@given(st.lists(st.integers(0, 50), min_size=1), st.randoms(use_true_random=False))
def test_the_newest_report_holds_in_whatever_order_they_come(
    numbers: list[int], chance: random.Random
) -> None:
    """And however often: a report that comes again changes nothing."""
    sent = [wire.decode_report({**REPORT, "n": n, "units": n}) for n in numbers]
    came = [*sent, *sent]
    chance.shuffle(came)
    held: wire.Report | None = None
    for report in came:
        if report.replaces(held):
            held = report
    assert held is not None
    assert held.number == held.units == max(numbers)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"v": 2}, "^v must be 1, not 2"),
        ({"v": None}, "^v must be 1, not None"),
        ({"v": True}, "^v must be 1, not True"),
        ({"stream": ""}, "^stream must be 1 to 48"),
        ({"stream": "x" * 49}, "^stream must be 1 to 48"),
        ({"stream": "two words"}, "^stream must be 1 to 48"),
        ({"stream": "caf\u00e9"}, "^stream must be 1 to 48"),
        ({"stream": "line\n"}, "^stream must be 1 to 48"),
        ({"stream": 7}, "^stream must be 1 to 48"),
        ({"stream": ["a"]}, "^stream must be 1 to 48"),
        ({"n": -1}, "^n must be a whole"),
        ({"n": 2**53}, "^n must be a whole"),
        ({"n": 1.0}, "^n must be a whole number"),
        ({"n": True}, "^n must be a number"),
        ({"n": "1"}, "^n must be a number"),
        ({"units": -1}, "^units must be a whole"),
        ({"units": 0.5}, "^units must be a whole number"),
        ({"tokens": math.nan}, "^tokens must be tokens"),
        ({"tokens": math.inf}, "^tokens must be tokens"),
        ({"tokens": [1]}, "^tokens must be a number"),
        ({"buffer_s": -0.1}, "^buffer_s must be seconds"),
        ({"buffer_s": 1e300}, "^buffer_s must be seconds"),
        ({"speed": 0}, "^speed must be times"),
        ({"speed": math.inf}, "^speed must be times"),
        ({"speed": "fast"}, "^speed must be a number"),
        ({"speed": False}, "^speed must be a number"),
        ({"delay_s": 3601}, "^delay_s must be seconds"),
        ({"state": "asleep"}, "^state must be one of reading, paused"),
        ({"state": 1}, "^state must be one of reading, paused"),
        ({"state": []}, "^state must be one of reading, paused"),
        ({"state": None}, "^state is missing"),
        ({"delay_s": None}, "^delay_s is missing"),
        ({"n": None}, "^n is missing"),
    ],
)
def test_a_bad_report_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(wire.WireError, match=message):
        wire.decode_report({**REPORT, **changed})


@pytest.mark.parametrize("key", REPORT)
@pytest.mark.parametrize(
    "value", [HUGE, -HUGE, [HUGE], {"a": HUGE}, "9" * 5000], ids=lambda value: type(value).__name__
)
def test_a_report_with_something_huge_is_refused_in_few_words(key: str, value: object) -> None:
    with pytest.raises(wire.WireError, match=f"^{key} must be ") as caught:
        wire.decode_report({**REPORT, key: value})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("values", [None, [], "report", 7, [REPORT]], ids=str)
def test_what_is_no_report_is_refused(values: object) -> None:
    with pytest.raises(wire.WireError, match=r"^a report must be an object"):
        wire.decode_report(values)


def test_a_report_of_a_newer_client_may_say_more() -> None:
    assert wire.decode_report({**REPORT, "mood": "good"}) == wire.decode_report(REPORT)


def test_a_message_does_not_give_a_stream_away() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.decode_report({**REPORT, "stream": "secret id"})
    assert "secret" not in str(caught.value)


def test_an_id_for_a_stream_cannot_be_guessed() -> None:
    made = {wire.new_stream_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(one) == 22 for one in made)  # 128 bits, 6 a character
    for one in made:
        assert wire.decode_report({**REPORT, "stream": one}).stream == one
        assert wire.decode(wire.encode(None, stream=one)).stream == one
