"""Features of vLLM on the real server with our scheduler, competing for KV memory, all at once."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal

import pydantic
import pytest
import pytest_asyncio

from andes_backend.lab.bench.server import Server
from tests.engine.competing import (
    Answer,
    Request,
    alone,
    greedy,
    idle,
    order,
    prompt,
    still_at,
    together,
    under_way,
)
from tests.engine.weights import ADAPTERS

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

STREAMS = 7
LONG = 120

CHOICES = [("north " * 30) + "up", "south " * 30]
REGEX = r"([a-z]{3,6} [0-9]{2}; ){12}"


class Report(pydantic.BaseModel):
    """What a JSON schema asks for below; bounded, as a random model does not stop by itself."""

    weather: Literal["rain", "sun", "a storm from the west"]
    levels: list[Literal["low", "high", "middling"]] = pydantic.Field(min_length=10, max_length=12)
    remark: str = pydantic.Field(max_length=30)


@pytest.fixture
def server(competing_server: Server) -> Server:
    return competing_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(competing_server: Server) -> list[Answer]:
    """What greedy(i, LONG) is answered when nobody else is there."""
    questions = [greedy(i, LONG) for i in range(STREAMS)]
    return [answer for (answer,) in await alone(competing_server, questions)]


def structured() -> list[Request]:
    schema = {"name": "report", "schema": Report.model_json_schema()}
    asked: dict[str, dict[str, Any]] = {
        "regex": {"structured_outputs": {"regex": REGEX}},
        "choice": {"structured_outputs": {"choice": CHOICES}},
        "schema": {"response_format": {"type": "json_schema", "json_schema": schema}},
    }
    question = {"max_tokens": 400, "temperature": 1.0}
    return [
        Request(f"{kind}-{i}", {"prompt": prompt(i), "seed": i, **question, **body})
        for kind, body in asked.items()
        for i in range(4)
    ]


def three_answers_each() -> list[Request]:
    """To one prompt, drawn from a seed."""
    return [
        Request(f"many-{i}", {**greedy(i, LONG), "n": 3, "temperature": 1.0, "seed": 10 * i})
        for i in range(2)
    ]


def stops(undisturbed: list[Answer]) -> list[str]:
    """A string from the middle of each answer."""
    return [answer.text[len(answer.text) // 2 :][:6] for answer in undisturbed]


def stopped(undisturbed: list[Answer]) -> list[Request]:
    return [
        Request(f"stop-{i}", {**greedy(i, LONG), "stop": [stop]})
        for i, stop in enumerate(stops(undisturbed))
    ]


def by_each_model() -> list[Request]:
    """The same prompts for all, so that the KV cache of one would serve another wrongly."""
    return [
        Request(f"{name}-{i}", {**greedy(i, 60), "model": name})
        for i in range(4)
        for name in ("tiny", *ADAPTERS)
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(
    competing_server: Server, undisturbed: list[Answer]
) -> Mapping[str, list[Request]]:
    """All features at once, each kind preempted by the others: requests by kind, answered."""
    requests = [
        *structured(),
        *three_answers_each(),
        *stopped(undisturbed),
        *by_each_model(),
    ]
    await together(competing_server, requests)
    by_kind = defaultdict[str, list[Request]](list)
    for request in requests:
        by_kind[request.kind].append(request)
    return by_kind


@pytest.mark.parametrize("kind", ["regex", "choice", "schema"])
async def test_structured_output_is_what_it_was_asked_to_be(
    served: Mapping[str, list[Request]], kind: str
) -> None:
    for request in served[kind]:
        (answer,) = request.answers
        assert answer.finish_reason == "stop", "the grammar was at its end"
        if kind == "regex":
            assert re.fullmatch(REGEX, answer.text)
        elif kind == "choice":
            assert answer.text in CHOICES
        else:
            Report.model_validate_json(answer.text)


async def test_three_answers_to_one_question_are_those_of_an_idle_server(
    server: Server, served: Mapping[str, list[Request]]
) -> None:
    requests = served["many"]
    assert [request.answers for request in requests] == await alone(
        server, [request.body for request in requests]
    )
    for request in requests:
        assert len({answer.text for answer in request.answers}) == 3
        assert {len(answer.token_ids) for answer in request.answers} == {LONG}


async def test_a_stop_string_ends_an_answer_where_it_is(
    served: Mapping[str, list[Request]], undisturbed: list[Answer]
) -> None:
    for request, whole, stop in zip(served["stop"], undisturbed, stops(undisturbed), strict=True):
        (answer,) = request.answers
        assert answer.finish_reason == "stop"
        assert answer.text == whole.text[: whole.text.index(stop)]
        assert answer.token_ids == whole.token_ids[: len(answer.token_ids)] != whole.token_ids


async def test_two_lora_adapters_and_the_base_model_do_not_mix(
    server: Server, served: Mapping[str, list[Request]]
) -> None:
    requests = [request for name in ("tiny", *ADAPTERS) for request in served[name]]
    undisturbed = await alone(server, [request.body for request in requests])
    assert [request.answers for request in requests] == undisturbed
    assert len({tuple(answer.token_ids) for (answer,) in undisturbed}) == len(requests)


@pytest.mark.parametrize(
    ("stop", "go_on"),
    [
        ("/pause?mode=keep", "/resume"),
        ("/sleep?level=0&mode=keep", "/wake_up?tags=scheduling"),
        ("/sleep?level=1&mode=keep", "/wake_up"),
    ],
)
async def test_a_pause_loses_no_token_and_doubles_none(
    server: Server, undisturbed: list[Answer], stop: str, go_on: str
) -> None:
    requests = [Request(f"kept-{i}", greedy(i, LONG)) for i in range(len(undisturbed))]
    async with under_way(server, requests[1:], stop, go_on) as (client, tasks):
        so_far = await still_at(client, requests)
        tasks.create_task(requests[0].send(client))  # it waits for the end of the pause
        reset = await order(client, "/reset_prefix_cache?reset_running_requests=true")
        assert reset == {"success": True}
        assert 0 < so_far == await still_at(client, requests)
    assert [request.answers for request in requests] == [[answer] for answer in undisturbed]
    await idle(server)


@pytest.mark.parametrize(("mode", "ends"), [("abort", "abort"), ("wait", "length")])
async def test_a_pause_may_end_all_or_wait_for_them(
    server: Server, undisturbed: list[Answer], mode: str, ends: str
) -> None:
    """A pause that waits does so for those that run; who is in the queue stays there."""
    requests = [Request(f"ended-{i}", greedy(i, LONG)) for i in range(len(undisturbed))]
    keep = "/pause?mode=keep&clear_cache=false"  # or there is nobody left that runs
    async with under_way(server, requests[1:], keep) as (client, tasks):
        await order(client, f"/pause?mode={mode}")
        tasks.create_task(requests[0].send(client))
        so_far = await still_at(client, requests)
    assert 0 < so_far < len(requests[1:]) * LONG
    assert requests[0].answers == undisturbed[:1]
    for request, whole in zip(requests[1:], undisturbed[1:], strict=True):
        (answer,) = request.answers
        # vLLM sends no event for who is ended before the first token: only the end of the stream.
        assert answer.finish_reason == (ends if answer.token_ids else None)
        assert answer.token_ids == whole.token_ids[: len(answer.token_ids)]
        assert (answer == whole) is (mode == "wait")
    await idle(server)


async def test_speculation_changes_no_token(
    server: Server, speculating_server: Server, undisturbed: list[Answer]
) -> None:
    """Some answers run in circles, in which the next tokens are easily guessed."""
    circles = [{**greedy(i, LONG), "presence_penalty": 0.0} for i in range(5)]
    expected = [*await alone(server, circles), *([answer] for answer in undisturbed)]
    requests = [Request(f"circle-{i}", body) for i, body in enumerate(circles)]
    requests += [Request(f"plain-{i}", greedy(i, LONG)) for i in range(len(undisturbed))]
    await together(speculating_server, requests)
    assert [request.answers for request in requests] == expected
    metrics = speculating_server.metrics()
    proposed = metrics["vllm:spec_decode_num_draft_tokens_total"]
    assert 0 < metrics["vllm:spec_decode_num_accepted_tokens_total"] < proposed
