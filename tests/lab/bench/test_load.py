"""The load: what it sends, what it counts, and what it calls a failure. Real HTTP and SSE."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from andes_backend.lab.bench.load import Load, Target
from andes_backend.lab.bench.tally import Tally
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request, Workload
from andes_client import wire
from andes_client.expectation import Expectation
from andes_client.qoe import qoe
from tests.lab.bench.fake_server import FakeServer, chunk, every_token, refusal, script, usage

READER = Expectation(ttft=1.0, tds=5.0)
LIMIT_S = 20.0


def workload(*output_tokens: int, gap_s: float = 0.0, seed: int = 7) -> Workload:
    requests = (Request(i * gap_s, 5 + i, n, READER) for i, n in enumerate(output_tokens))
    return Workload("test", seed, tuple(requests))


def run(server: FakeServer, work: Workload, **target: Any) -> Load:
    load = Load(work, Target(url=server.url, model="m", **target))
    asyncio.run(asyncio.wait_for(load.run(), LIMIT_S))
    return load


def only(server: FakeServer, output_tokens: int, **target: Any) -> Outcome:
    (outcome,) = run(server, workload(output_tokens), **target).outcomes
    return outcome


# What is sent


def test_a_request_carries_its_work_and_its_readers_hints(fake_server: FakeServer) -> None:
    run(fake_server, workload(3), temperature=1.0)
    (body,) = fake_server.bodies
    assert len(body.pop("prompt")) == 5
    assert body == {
        "model": "m",
        "max_tokens": 3,
        "ignore_eos": True,
        "temperature": 1.0,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_token_ids": True,
        "vllm_xargs": {"andes_ttft": 1.0, "andes_tds": 5.0, "andes_stream": "test-7-0"},
    }
    assert wire.decode(body["vllm_xargs"]).stream == "test-7-0"


def test_prompts_are_in_range_all_different_and_follow_from_the_seed(
    fake_server: FakeServer,
) -> None:
    def prompts(seed: int) -> list[list[int]]:
        fake_server.bodies.clear()
        run(fake_server, workload(*[1] * 20, seed=seed), token_ids=(50, 59))
        return sorted((body["prompt"] for body in fake_server.bodies), key=len)

    first = prompts(7)
    assert [len(prompt) for prompt in first] == list(range(5, 25))
    assert {token for prompt in first for token in prompt} == set(range(50, 60))
    assert len({tuple(prompt[:5]) for prompt in first}) == 20
    assert prompts(7) == first
    assert prompts(8) != first


def test_arrivals_do_not_wait_for_earlier_requests(fake_server: FakeServer) -> None:
    """An open loop: the first request ends only once the second has come."""
    second_came = asyncio.Event()  # lives in the server's thread

    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        if len(body["prompt"]) == 6:
            second_came.set()
        await second_came.wait()
        async for event in every_token(body):
            yield event

    fake_server.events = events
    load = run(fake_server, workload(2, 2, gap_s=0.05))
    assert [outcome.error for outcome in load.outcomes] == [None, None]
    sent = {outcome.index: outcome.submitted_s for outcome in load.outcomes}
    assert sent[0] < 0.05 <= sent[1]


def test_as_many_streams_at_once_as_the_workload_has(fake_server: FakeServer) -> None:
    """More than an HTTP client's usual 100 connections: none waits for another to end."""
    count = 130
    all_there = asyncio.Event()

    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        if len(fake_server.bodies) == count:
            all_there.set()
        await all_there.wait()
        async for event in every_token(body):
            yield event

    fake_server.events = events
    load = run(fake_server, workload(*[1] * count))
    assert [outcome.error for outcome in load.outcomes] == [None] * count


# What is counted


def test_every_token_id_of_a_chunk_is_a_token(fake_server: FakeServer) -> None:
    fake_server.events = script(chunk([1]), chunk([2, 3, 4]), chunk([5], text=""), usage(5))
    outcome = only(fake_server, 5)
    assert outcome.error is None
    assert len(outcome.times) == 5
    assert outcome.times[1] == outcome.times[2] == outcome.times[3]
    assert list(outcome.times) == sorted(outcome.times)
    assert outcome.qoe == 1.0
    assert (outcome.lost, outcome.excess) == (0, 0)


def test_times_run_from_submission(fake_server: FakeServer) -> None:
    """A server that answers at once: the second request's time does not include its arrival."""
    load = run(fake_server, workload(1, 1, gap_s=0.25))
    late = next(outcome for outcome in load.outcomes if outcome.index == 1)
    assert late.submitted_s >= 0.25
    assert late.ttft is not None
    assert 0 < late.ttft < 0.25


def test_a_server_without_token_ids_or_usage_is_counted_by_chunk(fake_server: FakeServer) -> None:
    fake_server.events = script(chunk(None), chunk(None, text=""), chunk(None), chunk(None))
    assert only(fake_server, 3).error is None


@pytest.mark.parametrize(
    "events", [(), (usage(0),), (chunk([5]), chunk([6])), (chunk([5]), usage(1))]
)
def test_a_response_that_ends_in_good_order_but_too_early(
    fake_server: FakeServer, events: tuple[str, ...]
) -> None:
    fake_server.events = script(*events)
    outcome = only(fake_server, 4)
    assert outcome.error == (
        f"received {len(outcome.times)} tokens instead of 4 (the server: no finish reason)"
    )


def test_without_token_ids_the_servers_count_is_spread_over_the_chunks() -> None:
    tally = Tally()
    for event, time in ((chunk(None), 1.0), (chunk(None), 2.0), (usage(5), 3.0)):
        tally.add(event, time)
    assert tally.result(5) == ((1.0, 1.0, 1.0, 2.0, 2.0), None)
    assert tally.result(6)[1] == "received 5 tokens instead of 6 (the server: no finish reason)"


def test_why_the_server_ended_a_response_early_is_said() -> None:
    tally = Tally()
    ended = json.loads(chunk([7]))
    ended["choices"][0]["finish_reason"] = "abort"
    for event in (chunk([5]), json.dumps(ended), usage(2)):
        tally.add(event, 1.0)
    assert tally.result(6)[1] == "received 2 tokens instead of 6 (the server: abort)"


def test_the_figures_of_an_outcome_by_hand() -> None:
    """Expected at 1, 2, 3, 4; arrived at 2, 2, 5, 6: one stall, from 4 (read 2 tokens) to 5."""
    reader = Expectation(ttft=1.0, tds=1.0)
    outcome = Outcome(0, Request(0.0, 1, 4, reader), 0.0, (2.0, 2.0, 5.0, 6.0))
    assert outcome.qoe == pytest.approx(qoe([2, 2, 5, 6], reader))
    assert outcome.ttft == 2.0
    assert outcome.tds == pytest.approx(3 / 4)
    assert outcome.stalls == 1
    assert outcome.stalled_s == pytest.approx(1.0)


@pytest.mark.parametrize("times", [(), (1.0,), (1.0, 1.0)])
def test_no_speed_without_two_moments(times: tuple[float, ...]) -> None:
    assert Outcome(0, Request(0.0, 1, 2, READER), 0.0, times).tds is None


# What fails


@pytest.mark.parametrize(
    ("events", "received", "lost", "excess", "reason"),
    [
        (
            (chunk([1]), usage(1)),
            1,
            2,
            0,
            "received 1 tokens instead of 3 (the server: no finish reason)",
        ),
        (
            (chunk([1, 2, 3, 3]), usage(4)),
            4,
            0,
            1,
            "received 4 tokens instead of 3 (the server: no finish reason)",
        ),
        ((chunk([1, 2]), usage(3)), 2, 1, 0, "received 2 tokens; the server counted 3"),
        ((usage(3),), 0, 3, 0, "received 0 tokens; the server counted 3"),
        ((chunk([1]), "{not json"), 1, 2, 0, "not a completion event: '{not json'"),
        ((chunk([1]), '{"choices": [7]}'), 1, 2, 0, "not a completion event: '{\"choices\": [7]}'"),
        (
            (chunk([1]), json.dumps({"error": {"message": "engine died"}})),
            1,
            2,
            0,
            "the server reports: engine died",
        ),
    ],
)
def test_a_wrong_response_fails_with_its_reason(
    fake_server: FakeServer,
    events: tuple[str, ...],
    received: int,
    lost: int,
    excess: int,
    reason: str,
) -> None:
    fake_server.events = script(*events)
    outcome = only(fake_server, 3)
    assert outcome.error == reason
    assert (len(outcome.times), outcome.lost, outcome.excess) == (received, lost, excess)
    assert outcome.qoe == 0.0


def test_an_http_error_fails_with_the_servers_message(fake_server: FakeServer) -> None:
    fake_server.check = refusal(400, "max_tokens is too large")
    outcome = only(fake_server, 3)
    assert outcome.error == "HTTP 400: max_tokens is too large"
    assert (outcome.qoe, outcome.lost, outcome.ttft) == (0.0, 3, None)


def test_an_http_error_that_is_no_json_shows_its_text(fake_server: FakeServer) -> None:
    async def check(_body: dict[str, Any]) -> Response:
        return Response("Bad gateway", 502)

    fake_server.check = check
    assert only(fake_server, 3).error == "HTTP 502: Bad gateway"


def test_an_http_error_without_end_is_read_up_to_a_bound(fake_server: FakeServer) -> None:
    async def body() -> AsyncIterator[str]:
        yield "Bad gateway"
        while True:
            yield " " * 65536
            await asyncio.sleep(0)

    async def check(_body: dict[str, Any]) -> Response:
        return StreamingResponse(body(), 502)

    fake_server.check = check
    assert (only(fake_server, 3).error or "").strip() == "HTTP 502: Bad gateway"


def test_a_success_that_is_no_event_stream_fails(fake_server: FakeServer) -> None:
    async def check(_body: dict[str, Any]) -> Response:
        return Response("<html>", media_type="text/html")

    fake_server.check = check
    assert "text/event-stream" in (only(fake_server, 3).error or "")


def test_a_stream_cut_in_the_middle_keeps_the_tokens_it_had(fake_server: FakeServer) -> None:
    async def events(_body: dict[str, Any]) -> AsyncIterator[str]:
        yield chunk([1])
        yield chunk([2])
        raise ConnectionError("the server falls over")

    fake_server.events = events
    outcome = only(fake_server, 5)
    assert outcome.error is not None
    assert outcome.error.startswith("RemoteProtocolError: ")
    assert (len(outcome.times), outcome.lost, outcome.qoe) == (2, 3, 0.0)


def test_one_failure_leaves_the_others_alone(fake_server: FakeServer) -> None:
    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        if len(body["prompt"]) == 6:
            raise ConnectionError("this one only")
        async for event in every_token(body):
            yield event

    fake_server.events = events
    load = run(fake_server, workload(2, 2, 2))
    assert {o.index: o.error is None for o in load.outcomes} == {0: True, 1: False, 2: True}
    statistics = load.statistics()
    assert (statistics.finished, statistics.failed, statistics.tokens) == (3, 1, 4)
    assert statistics.qoe == pytest.approx(2 / 3)


def test_a_server_that_is_not_there_is_a_failure_and_no_exception() -> None:
    load = Load(workload(3, 3), Target(url="http://127.0.0.1:1", model="m"))
    asyncio.run(load.run())
    assert [o.error is not None and "ConnectError" in o.error for o in load.outcomes] == [True] * 2


def test_silence_beyond_patience_fails(fake_server: FakeServer) -> None:
    async def events(_body: dict[str, Any]) -> AsyncIterator[str]:
        yield chunk([1])
        await asyncio.Event().wait()

    fake_server.events = events
    outcome = only(fake_server, 3, patience_s=0.1)
    assert outcome.error is not None
    assert outcome.error.startswith("ReadTimeout")
    assert len(outcome.times) == 1


# What is cancelled


def test_a_cancelled_run_keeps_the_outcomes_it_had(fake_server: FakeServer) -> None:
    """Ctrl-C: the requests under way are dropped, not scored; the rest is not sent."""

    async def events(body: dict[str, Any]) -> AsyncIterator[str]:
        async for event in every_token(body):
            yield event
        if len(body["prompt"]) > 5:
            await asyncio.Event().wait()

    async def interrupted() -> Load:
        fake_server.events = events
        target = Target(url=fake_server.url, model="m")
        requests = (*workload(2, 3).requests, Request(1e6, 9, 2, READER))
        load = Load(Workload("test", 0, requests), target)
        task = asyncio.create_task(load.run())
        while load.statistics().tokens < 5:  # noqa: ASYNC110 - a load has no event for this
            await asyncio.sleep(0.005)
        assert load.statistics().sent == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return load

    load = asyncio.run(asyncio.wait_for(interrupted(), LIMIT_S))
    assert [outcome.index for outcome in load.outcomes] == [0]
    assert load.outcomes[0].error is None
