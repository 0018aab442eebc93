"""What counts as a response that somebody reads, and what it costs its user; the real scheduler."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vllm import SamplingParams
from vllm.v1.request import Request

from andes_client import Expectation, wire
from tests.engine.real_scheduler import Machine, engine_config

MakeMachine = Callable[..., Machine]

BLOCK = 16
ALICE = wire.encode(Expectation(1.0, 5.0), user="alice")
OUTPUT_PRICE = 2


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(**engine_args: Any) -> Machine:
        additional = {"andes": {"output_price": OUTPUT_PRICE, "vtc_lift": False}}
        config = engine_config(tiny_model, additional_config=additional, **engine_args)
        return Machine(config, blocks=400, block_size=BLOCK)

    return make


def hashes(request: Request) -> list[Any]:
    """A name for each full block: all the text up to its end."""
    known, full = len(request.block_hashes), request.num_tokens // BLOCK
    return [repr(request.all_token_ids[: BLOCK * (i + 1)]).encode() for i in range(known, full)]


def asked(
    name: str, prompt: list[int], output_tokens: int, hints: Any = None, **params: Any
) -> Request:
    sampling = SamplingParams(max_tokens=output_tokens, extra_args=hints, **params)
    sampling.update_from_generation_config({}, None)
    return Request(name, prompt, sampling, None, block_hasher=hashes)


def serve(machine: Machine) -> int:
    """Serve all; returns the tokens that have been computed for it."""
    tokens, run = 0, machine._run

    def counting(scheduled: Any) -> Any:
        nonlocal tokens
        tokens += scheduled.total_num_scheduled_tokens
        return run(scheduled)

    machine._run = counting  # type: ignore[method-assign]
    while machine.scheduler.has_unfinished_requests():
        machine.step()
    machine._run = run  # type: ignore[method-assign]
    return tokens


def paid(machine: Machine) -> float:
    """By alice. Without the lift she is remembered when all her requests have ended."""
    given: float = machine.scheduler.andes_ledger.table.accounts.given()["alice"]
    return given


def hints_of(machine: Machine) -> Counter[str]:
    """Counts requests by their hints from now on, as /metrics does."""
    counted, counters = Counter[str](), machine.scheduler.andes_counters
    count = counters.hint

    def hint(kind: str) -> None:
        counted[kind] += 1
        count(kind)

    counters.hint = hint
    return counted


def test_one_token_is_no_response_and_teaches_no_length(
    make_machine: MakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, lengths = make_machine(), list[int]()
    hints = hints_of(machine)
    monkeypatch.setattr(machine.scheduler.andes_policy, "finished", lengths.append)
    for index in range(5):
        machine.scheduler.add_request(asked(f"scores-{index}", [1] * 30, 1, ALICE))
    for index in range(2):
        machine.scheduler.add_request(asked(f"reader-{index}", [1] * 30, 20, ALICE))
    serve(machine)
    counters = machine.scheduler.andes_counters
    assert lengths == [20, 20]
    assert counters.responses == 2
    assert counters.qoe_sum == pytest.approx(2.0)
    assert hints == {"one_token": 5, "reader": 2}
    assert paid(machine) == 7 * 30 + OUTPUT_PRICE * (5 + 2 * 20)


def test_an_answer_that_ends_after_one_token_is_read(make_machine: MakeMachine) -> None:
    machine = make_machine()
    machine.scheduler.add_request(asked("short", [1] * 30, 20, ALICE, stop_token_ids=[7]))
    serve(machine)
    assert machine.scheduler.andes_counters.responses == 1


def test_invalid_hints_are_told_of_whatever_is_asked_for(make_machine: MakeMachine) -> None:
    machine = make_machine()
    hints = hints_of(machine)
    machine.scheduler.add_request(asked("bad", [1] * 30, 1, {"andes_tds": "fast"}))
    serve(machine)
    assert hints == {"bad": 1}


@pytest.mark.parametrize(("caching", "prompts"), [(True, 164 + 7 * 4), (False, 8 * 164)])
def test_many_answers_to_one_prompt_cost_what_is_computed(
    make_machine: MakeMachine, caching: bool, prompts: int
) -> None:
    """As vLLM serves n=8: a request for each answer, and all of them find the first one's blocks.

    Of a prompt of 164 tokens ten blocks are shared, and four tokens are computed by each.
    """
    machine = make_machine(enable_prefix_caching=caching)
    for index in range(8):
        machine.scheduler.add_request(asked(f"{index}_n8", list(range(164)), 20, ALICE))
    computed = serve(machine)
    assert paid(machine) == prompts + OUTPUT_PRICE * 8 * 20
    assert computed == prompts + 8 * 19  # the last token of an answer is not computed further
    assert machine.scheduler.andes_counters.responses == 8


def test_what_is_found_after_a_preemption_is_not_given_back(make_machine: MakeMachine) -> None:
    machine = make_machine(enable_prefix_caching=True)
    machine.scheduler.add_request(asked("a", list(range(164)), 20, ALICE))
    for _ in range(5):
        machine.step()
    assert machine.scheduler.reset_prefix_cache(reset_running_requests=True)
    serve(machine)
    assert paid(machine) == 164 + OUTPUT_PRICE * 20


def test_a_beam_search_costs_what_is_computed_for_it(make_machine: MakeMachine) -> None:
    """As vLLM's front end does it: for each token, a request of one token for each beam."""
    width, length, prompt = 4, 20, list(range(200))
    machine = make_machine(enable_prefix_caching=True)
    hints, computed = hints_of(machine), 0
    for token in range(length):
        for beam in range(width if token else 1):
            said = [1000 * beam + place for place in range(token)]
            machine.scheduler.add_request(asked(f"{token}-beam-{beam}", prompt + said, 1, ALICE))
        computed += serve(machine)
    requests = 1 + width * (length - 1)
    assert hints == {"one_token": requests}
    assert machine.scheduler.andes_counters.responses == 0
    assert paid(machine) == computed + OUTPUT_PRICE * requests
    # Charged as 77 answers, all with their own prompts, it was 40 times one answer's price.
    whole = len(prompt) + OUTPUT_PRICE * length
    assert paid(machine) < 8 * whole
