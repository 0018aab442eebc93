"""The rhythms of the three scenarios, and the server that sends in them."""

import itertools
import json
from collections.abc import Sequence

import httpx2
import pytest
from andes_demos.bursty_server import Burst, moments, tokens
from andes_demos.scenarios.scenario import ANSWER, LUMPS_S, SCENARIOS, Scenario, schedule
from andes_demos.scenarios.server import model_name, serving_scenarios

from andes_client import Expectation, reading
from andes_client.qoe import qoe

JUST_RIGHT, LONG_WAIT, TORTOISE = SCENARIOS
READER = reading(300)
COUNT = len(tokens(ANSWER))


def times(bursts: Sequence[Burst]) -> list[float]:
    return moments(bursts, COUNT)


def longest(sent: Sequence[float]) -> float:
    return max(later - earlier for earlier, later in itertools.pairwise([0.0, *sent]))


def measured(sent: Sequence[float], reader: Expectation = READER) -> float:
    cost = len(ANSWER.split()) * 4 / 3 / COUNT
    return qoe(sent, reader, [cost] * COUNT)


def test_just_right_is_just_right() -> None:
    sent = times(schedule(JUST_RIGHT, READER))
    assert measured(sent) == pytest.approx(1.0)
    assert longest(sent) < 1.0


def test_the_long_wait_is_ten_seconds_whoever_reads() -> None:
    for reader in (READER, reading(150)):
        sent = times(schedule(LONG_WAIT, reader))
        assert (sent[0], longest(sent)) == (10.0, 10.0)
        assert sent[-1] < 13.0
        assert measured(sent, reader) < 0.8


def test_the_tortoise_is_too_slow_and_the_hare_too_fast() -> None:
    sent = times(schedule(TORTOISE, READER))
    slow = COUNT * 3 // 10
    words_a_piece = len(ANSWER.split()) / COUNT
    assert slow / (sent[slow] - sent[0]) * words_a_piece == pytest.approx(2.5, rel=0.05)
    assert (COUNT - slow) / (sent[-1] - sent[slow]) * words_a_piece > 40
    assert measured(sent) < 0.8


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.key)
@pytest.mark.parametrize("lump_s", LUMPS_S[1:])
def test_burstier_servers_send_more_at_once_and_never_later(
    scenario: Scenario, lump_s: float
) -> None:
    even, lumps = (
        times(schedule(scenario, READER)),
        times(schedule(scenario, READER, lump_s=lump_s)),
    )
    assert all(lump <= time + 1e-9 for lump, time in zip(lumps, even, strict=True))
    assert lumps[0] == pytest.approx(even[0])
    gaps = [b - a for a, b in itertools.pairwise(lumps) if b - a > 1e-9]
    assert all(gap / lump_s == pytest.approx(round(gap / lump_s)) for gap in gaps)
    assert len(set(lumps)) <= (even[-1] - even[0]) / lump_s + 1


@pytest.mark.parametrize("hurry", [40.0, 400.0])
def test_the_server_makes_its_rhythm_for_the_reader_of_the_request(hurry: float) -> None:
    told = {"andes_ttft": 1.0 / hurry, "andes_tds": READER.tds * hurry}
    closed: list[int] = []
    with (
        serving_scenarios(hurry, on_close=closed.append) as url,
        httpx2.Client(trust_env=False) as client,
    ):
        for scenario in SCENARIOS:
            ask = {"model": model_name(scenario.key, 2.0), "vllm_xargs": told}
            with client.sse(url, method="POST", json=ask) as events:
                chunks = [json.loads(event.data) for event in events if event.data != "[DONE]"]
            text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
            assert text == ANSWER
    assert closed == [COUNT] * 3
