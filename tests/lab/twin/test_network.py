"""The way of tokens to their readers."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator, SeedSequence

from andes_backend.lab.twin.network import Network
from andes_backend.lab.workload import Request, Workload
from andes_client.expectation import Expectation

ARRIVAL_S, OUTSIDE_S, JITTER_S = 2.5, 0.04, (0.05, 0.5)
READER = Expectation(1.0, 4.0)
TWO = Workload("test", 5, (Request(ARRIVAL_S, 1, 60, READER), Request(ARRIVAL_S, 1, 60, READER)))
SENT = st.lists(st.floats(ARRIVAL_S, 100), min_size=1, max_size=60).map(sorted)


def network(jitter_s: tuple[float, float] | None = JITTER_S) -> Network:
    return Network(TWO, OUTSIDE_S, jitter_s)


@settings(max_examples=30)
@given(SENT)
def test_no_token_overtakes_another_and_each_takes_what_the_network_adds(sent: list[float]) -> None:
    one = network()
    arrived = [one.carry(0, time) for time in sent]
    assert arrived == sorted(arrived)
    for time, came in zip(sent, arrived, strict=True):
        assert came >= time - ARRIVAL_S + OUTSIDE_S + JITTER_S[0] - 1e-9
    assert arrived[-1] <= sent[-1] - ARRIVAL_S + OUTSIDE_S + JITTER_S[1] + 1e-9


@settings(max_examples=30)
@given(SENT)
def test_the_jitter_of_a_request_is_one_draw_from_its_own_stream(sent: list[float]) -> None:
    """Whatever else is on the network, and to the last digit."""
    one, alone = network(), network()
    mixed = []
    for time in sent:
        mixed.append(one.carry(1, time))
        one.carry(0, time)
    assert mixed == [alone.carry(1, time) for time in sent]
    draw = Generator(PCG64(SeedSequence(TWO.seed, spawn_key=(97, 1))))
    late = np.array(sent) - ARRIVAL_S + OUTSIDE_S + draw.uniform(*JITTER_S, len(sent))
    assert mixed == np.maximum.accumulate(late).tolist()


def test_without_jitter_the_way_is_always_as_long() -> None:
    assert network(None).carry(0, 3.0) == 3.0 - ARRIVAL_S + OUTSIDE_S
