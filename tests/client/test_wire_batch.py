"""Reports and answers, many streams at a time."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client import wire
from tests.client.test_wire import HUGE, REPORT, REPORTS, STREAM_IDS

LONGEST = wire.Report(
    stream="x" * 48,
    number=2**53 - 1,
    units=10**7,
    tokens=9_999_999.9,
    buffer_s=86_399.99,
    speed=0.00123,
    state="revealed",
    delay_s=3_599.99,
)

WAITS = st.tuples(st.floats(0, 86_400), st.floats(0, 86_400)).map(sorted)
ANSWERS = st.dictionaries(
    STREAM_IDS, st.none() | WAITS.map(lambda pair: wire.Forecast(*pair)), max_size=20
)


def over_the_wire(values: object) -> Any:
    return json.loads(json.dumps(values, separators=(",", ":")))


def test_the_names_of_a_call_and_its_answer() -> None:
    """Others rely on these: a change of one is a change of protocol, and needs another version."""
    assert wire.REPORTS_PATH == "andes/reports"
    report = wire.decode_report(REPORT)
    assert wire.encode_reports([report, report]) == {"v": 1, "reports": [REPORT, REPORT]}
    assert wire.encode_answer({"a": wire.Forecast(4.5, 12.0), "b": None}) == {
        "v": 1,
        "streams": {"a": {"forecast_s": [4.5, 12.0]}, "b": {}},
    }


@given(st.lists(REPORTS, max_size=20))
def test_reports_are_read_as_each_was_sent(reports: list[wire.Report]) -> None:
    """In the order in which they stand; one stream may have several."""
    read = wire.decode_reports(over_the_wire(wire.encode_reports(reports)))
    assert read == [wire.decode_report(wire.encode_report(report)) for report in reports]


@given(ANSWERS)
def test_an_answer_is_read_as_it_was_sent(answer: dict[str, wire.Forecast | None]) -> None:
    read = wire.decode_answer(over_the_wire(wire.encode_answer(answer)))
    assert read.keys() == answer.keys()
    for stream, forecast in answer.items():
        said = read[stream]
        if forecast is None or said is None:
            assert forecast is said
        else:
            assert said.median_s == pytest.approx(forecast.median_s, abs=0.0051)
            assert said.p90_s == pytest.approx(forecast.p90_s, abs=0.0051)


@pytest.mark.parametrize("count", [0, 1, wire.MAX_REPORTS])
def test_the_longest_reports_fit_into_a_call(count: int) -> None:
    body = json.dumps(wire.encode_reports([LONGEST] * count), separators=(",", ":"))
    assert len(body.encode()) <= wire.MAX_REPORTS_BYTES
    assert wire.decode_reports(json.loads(body)) == [LONGEST] * count


@pytest.mark.parametrize("count", [wire.MAX_REPORTS + 1, 10**5])
def test_too_many_at_once_are_refused(count: int) -> None:
    """Before any is looked at."""
    message = f"^there must be 256 streams at most, not {count}$"
    with pytest.raises(wire.WireError, match=message):
        wire.encode_reports([LONGEST] * count)
    with pytest.raises(wire.WireError, match=message):
        wire.decode_reports({"v": 1, "reports": [None] * count})
    with pytest.raises(wire.WireError, match=message):
        wire.decode_answer({"v": 1, "streams": dict.fromkeys(map(str, range(count)))})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "a call must be an object with reports, not None"),
        ([REPORT], "a call must be an object with reports"),
        (REPORT, "reports must be a list, not None"),
        ({"reports": [REPORT]}, "v must be 1, not None"),
        ({"v": 2, "reports": [REPORT]}, "v must be 1, not 2"),
        ({"v": True, "reports": [REPORT]}, "v must be 1, not True"),
        ({"v": math.nan, "reports": [REPORT]}, "v must be 1, not nan"),
        ({"v": HUGE, "reports": [REPORT]}, "v must be 1, not an integer of"),
        ({"v": 1}, "reports must be a list, not None"),
        ({"v": 1, "reports": REPORT}, "reports must be a list"),
        ({"v": 1, "reports": "reports"}, "reports must be a list"),
        ({"v": 1, "reports": [REPORT, None]}, r"reports\[1\]: a report must be an object"),
        ({"v": 1, "reports": [[REPORT]]}, r"reports\[0\]: a report must be an object"),
        (
            {"v": 1, "reports": [REPORT, REPORT, {**REPORT, "tokens": math.nan}]},
            r"reports\[2\]: tokens must be tokens, 0 or more",
        ),
        ({"v": 1, "reports": [{**REPORT, "n": HUGE}]}, r"reports\[0\]: n must be a whole number"),
        ({"v": 1, "reports": [{**REPORT, "v": 2}]}, r"reports\[0\]: v must be 1, not 2"),
    ],
)
def test_a_bad_call_is_refused(values: object, message: str) -> None:
    with pytest.raises(wire.WireError, match=f"^{message}") as caught:
        wire.decode_reports(values)
    assert len(str(caught.value)) < 200


def answer_about(said: object) -> dict[str, Any]:
    return {"v": 1, "streams": {"good": {}, "a": said}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (None, "an answer must be an object with streams, not None"),
        ("streams", "an answer must be an object with streams"),
        ({"v": 3, "streams": {}}, "v must be 1, not 3"),
        ({"v": 1}, "streams must be an object, not None"),
        ({"v": 1, "streams": [{}]}, "streams must be an object"),
        ({"v": 1, "streams": {"two words": {}}}, "stream must be 1 to 48"),
        ({"v": 1, "streams": {"x" * 49: {}}}, "stream must be 1 to 48"),
        (answer_about(None), "a stream's answer must be an object, not None"),
        (answer_about([1, 2]), "a stream's answer must be an object"),
        (answer_about({"forecast_s": 3}), "forecast_s must be two numbers, not 3"),
        (answer_about({"forecast_s": "12"}), "forecast_s must be two numbers"),
        (answer_about({"forecast_s": [1]}), "forecast_s must be two numbers"),
        (answer_about({"forecast_s": [1, 2, 3]}), "forecast_s must be two numbers"),
        (answer_about({"forecast_s": [None, 2]}), "median must be a number"),
        (answer_about({"forecast_s": [1, None]}), "90th percentile must be a number"),
        (answer_about({"forecast_s": [True, 2]}), "median must be a number"),
        (answer_about({"forecast_s": ["1", 2]}), "median must be a number"),
        (answer_about({"forecast_s": [-1, 2]}), "median must be seconds, 0 or more"),
        (answer_about({"forecast_s": [1, math.nan]}), "90th percentile must be seconds"),
        (answer_about({"forecast_s": [1, math.inf]}), "90th percentile must be seconds"),
        (answer_about({"forecast_s": [1, HUGE]}), "90th percentile must be seconds"),
        (answer_about({"forecast_s": [3, 2]}), "median must not be above the 90th percentile, 2"),
    ],
)
def test_a_bad_answer_is_refused(values: object, message: str) -> None:
    with pytest.raises(wire.WireError, match=f"^{message}") as caught:
        wire.decode_answer(values)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("median_s", "p90_s"), [(-1, 2), (3, 2), (1, math.inf), (math.nan, 1)])
def test_no_forecast_is_made_that_a_client_would_refuse(median_s: float, p90_s: float) -> None:
    with pytest.raises(wire.WireError):
        wire.Forecast(median_s, p90_s)


@pytest.mark.parametrize("streams", [{"two words": None}, {"": None}])
def test_no_answer_is_sent_that_a_client_would_refuse(
    streams: Mapping[str, wire.Forecast | None],
) -> None:
    with pytest.raises(wire.WireError, match=r"^stream must be 1 to 48"):
        wire.encode_answer(streams)


def test_newer_clients_and_servers_may_say_more() -> None:
    said = {"v": 1, "reports": [{**REPORT, "mood": "good"}], "client": "x"}
    assert wire.decode_reports(said) == [wire.decode_report(REPORT)]
    answer = {"v": 1, "streams": {"a": {"forecast_s": [1, 2], "why": "full"}}, "load": 0.5}
    assert wire.decode_answer(answer) == {"a": wire.Forecast(1, 2)}


def test_a_message_gives_no_stream_away() -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.decode_answer({"v": 1, "streams": {"secret id": {}}})
    assert "secret" not in str(caught.value)
