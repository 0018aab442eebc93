"""Users in the real scheduler: names made to do harm, and thousands of them."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from andes_client import wire
from tests.engine.real_scheduler import Machine, engine_config, request

MakeMachine = Callable[..., Machine]


@pytest.fixture
def make_machine(tiny_model: Path) -> MakeMachine:
    def make(andes: dict[str, Any], blocks: int = 60) -> Machine:
        return Machine(engine_config(tiny_model, additional_config={"andes": andes}), blocks=blocks)

    return make


HOSTILE: list[Any] = [
    "x" * 1_000_000,
    "",
    "\x1b[31mred\x00\n\r2026 ERROR everything is lost",
    "\u202e{evil}%s${jndi:ldap://evil}",
    "\ud800",
    'a",policy="b',
    7,
    ["a", "b"],
    1e308,
]


@pytest.mark.parametrize("policy", ["vtc", "qoe"])
def test_names_that_are_made_to_do_harm(
    make_machine: MakeMachine, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine = make_machine({"policy": policy})
    with caplog.at_level(logging.DEBUG):
        for index, name in enumerate(HOSTILE):
            said = {wire.USER: name, wire.TDS: 4.0}
            machine.scheduler.add_request(request(f"r{index}", 20, 10, said))
        finished = set()
        while machine.scheduler.has_unfinished_requests():
            finished |= {o.request_id for o in machine.step() if o.finish_reason is not None}
    assert finished == {f"r{index}" for index in range(len(HOSTILE))}
    assert machine.scheduler.andes_counters.fallbacks == 0
    logged = caplog.text
    assert len(logged) < 10_000
    for piece in ("xxxx", "\x1b", "everything is lost", "jndi", 'policy="b'):
        assert piece not in logged
    ledger = machine.scheduler.andes_ledger
    assert not ledger._tier
    assert len(ledger.table.accounts) <= len(HOSTILE)


@pytest.mark.slow
def test_ten_thousand_users_are_served_in_turn(make_machine: MakeMachine) -> None:
    """Each with a request; nobody is left out, and what is remembered of them is bounded."""
    machine = make_machine({"policy": "vtc"}, blocks=2000)
    for index in range(10_000):
        said = {wire.USER: f"user {index}"}
        machine.scheduler.add_request(request(f"r{index}", 2, 1, said))
    finished = 0
    while machine.scheduler.has_unfinished_requests():
        finished += sum(output.finish_reason is not None for output in machine.step())
    assert finished == 10_000
    assert machine.scheduler.andes_counters.fallbacks == 0
    assert len(machine.scheduler.andes_ledger.table.accounts) <= 10_001


def test_a_user_with_a_weight_gets_more(make_machine: MakeMachine) -> None:
    machine = make_machine({"policy": "vtc", "user_weights": {"gold": 3}}, blocks=20)
    for index in range(120):
        name = "gold" if index % 2 else "iron"
        machine.scheduler.add_request(request(f"{name}-{index}", 30, 20, {wire.USER: name}))
    ended: list[str] = []
    while len(ended) < 40:
        ended += [o.request_id for o in machine.step() if o.finish_reason is not None]
    gold = sum(name.startswith("gold") for name in ended)
    assert 26 <= gold <= 34  # three of four, but for who began first
