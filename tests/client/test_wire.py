import json
import math

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
