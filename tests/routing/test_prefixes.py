"""Where the beginning of a prompt is: what a router remembers of what it has sent."""

from dataclasses import replace

import pytest

from andes_backend.routing import BANDS, Asked, ReplicaFigures, Router
from andes_backend.routing.prefixes import BLOCK_TOKENS, Prefixes, Trust

ROOM = {"a": 1000.0, "b": 1000.0}
FIGURES = ReplicaFigures(
    waiting=0,
    running=0,
    kv_tokens=20_000,
    free_tokens=20_000,
    most_running=32,
    step_s=0.05,
    prompt_token_s=0.001,
    output_tokens=200.0,
    horizon_s=4.0,
    demand=(0.0,) * len(BANDS),
)


def test_what_was_sent_is_found_there_as_far_as_it_is_the_same() -> None:
    prefixes = Prefixes()
    prefixes.sent("a", [1, 2, 3], 200)
    assert prefixes.found([1, 2, 3, 4], ROOM) == {"a": 3 * BLOCK_TOKENS}
    assert prefixes.found([1, 2, 9], ROOM) == {"a": 2 * BLOCK_TOKENS}
    assert prefixes.found([9, 2, 3], ROOM) == {}
    assert prefixes.found([], ROOM) == {}


def test_several_replicas_can_have_it_one_more_than_the_other() -> None:
    prefixes = Prefixes()
    prefixes.sent("a", [1, 2, 3], 200)
    prefixes.sent("b", [1], 70)
    assert prefixes.found([1, 2, 3], ROOM) == {"a": 3 * BLOCK_TOKENS, "b": BLOCK_TOKENS}


def test_a_replica_without_the_first_block_has_nothing() -> None:
    prefixes = Prefixes(most_blocks=4)
    prefixes.sent("a", [1, 2], 128)
    prefixes.sent("b", [1], 70)
    prefixes.sent("b", [8, 9], 1000)
    assert prefixes.found([1, 2], ROOM) == {"a": 2 * BLOCK_TOKENS}


def test_it_is_gone_when_the_memory_has_been_filled_again() -> None:
    prefixes = Prefixes()
    prefixes.sent("a", [1], 400)
    prefixes.sent("a", [7], 600)
    assert prefixes.found([1], ROOM) == {"a": BLOCK_TOKENS}
    prefixes.sent("a", [8], 1)
    assert prefixes.found([1], ROOM) == {}
    assert prefixes.found([1], {"a": 2000.0}) == {"a": BLOCK_TOKENS}


def test_what_is_sent_again_is_there_for_longer() -> None:
    prefixes = Prefixes()
    for _ in range(5):
        prefixes.sent("a", [1], 400)
        prefixes.sent("a", [7], 500)
        assert prefixes.found([1], ROOM) == {"a": BLOCK_TOKENS}


def test_no_more_is_remembered_than_is_allowed_and_ends_are_forgotten_first() -> None:
    prefixes = Prefixes(most_blocks=5)
    for number in range(1000):
        prefixes.sent("a", [number, -number - 1], 0)
        assert len(prefixes) <= 5
    assert prefixes.found([997, -998], ROOM) == {"a": BLOCK_TOKENS}
    assert prefixes.found([999, -1000], ROOM) == {"a": 2 * BLOCK_TOKENS}


def test_a_replica_that_has_left_has_nothing() -> None:
    prefixes = Prefixes()
    for replica in ("a", "b"):
        prefixes.sent(replica, [1, 2], 10)
    prefixes.forget("a")
    prefixes.forget("nobody")
    assert prefixes.found([1, 2], ROOM) == {"b": 2 * BLOCK_TOKENS}
    prefixes.forget("b")
    assert len(prefixes) == 0


def test_what_is_not_found_is_trusted_less_and_less() -> None:
    trust, found = Trust(), 7000
    trust.hear(found)
    assert trust.share == 1.0
    for _ in range(100):
        trust.foresee(1000)
        found += 250
        trust.hear(found)
    assert trust.share == pytest.approx(0.25, abs=0.05)
    for _ in range(1000):
        trust.foresee(1000)
        found += 2000  # others find there, too
        trust.hear(found)
    assert trust.share == 1.0


def hearing() -> Router:
    router = Router()
    for name in ("a", "b", "c"):
        router.hear(name, FIGURES, 0.0)
    return router


def asked(*blocks: int) -> Asked:
    return Asked(prompt_tokens=BLOCK_TOKENS * len(blocks), blocks=blocks)


def test_who_goes_on_gets_the_replica_that_has_the_beginning() -> None:
    long = asked(*range(40))
    for seed_of_lots in range(5):
        router = hearing()
        for other in range(seed_of_lots):
            router.choose(asked(-other), ["a", "b", "c"], 0.0)
        router.sent("b", long)
        for name in ("a", "b", "c"):
            router.hear(name, FIGURES, 1.0)
        choice = router.choose(long, ["a", "b", "c"], 1.0)
        assert choice is not None
        assert choice.replica == "b"


def test_but_not_at_any_price() -> None:
    router = hearing()
    router.sent("b", asked(*range(40)))
    crowded = replace(FIGURES, waiting=20, demand=(40_000.0, *FIGURES.demand[1:]))
    router.hear("b", crowded, 1.0)
    choice = router.choose(asked(*range(40)), ["a", "b", "c"], 1.0)
    assert choice is not None
    assert choice.replica != "b"


def test_what_is_found_need_not_be_computed() -> None:
    router = hearing()
    first = router.sent("a", asked(*range(40)))
    router.hear("a", FIGURES, 1.0)
    again = router.sent("a", asked(*range(40)))
    load = router.load("a")
    assert load is not None
    assert (first, again) == (0, 40 * BLOCK_TOKENS)
    assert load.prompt_tokens == 1
