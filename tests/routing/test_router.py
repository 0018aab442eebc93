"""The choice of a replica: what figures must be like, and what follows from them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_backend.routing import (
    BANDS,
    Asked,
    FiguresError,
    Load,
    ReplicaFigures,
    Router,
    band_of,
    score,
)

ASKED = Asked(prompt_tokens=200)
EMPTY = ReplicaFigures(
    waiting=0,
    running=0,
    kv_tokens=10_000,
    free_tokens=10_000,
    step_s=0.05,
    prompt_token_s=1e-4,
    output_tokens=300.0,
    horizon_s=50.0,
    demand=(0.0,) * len(BANDS),
)


def wanted(tokens: float, worth: float, figures: ReplicaFigures = EMPTY) -> ReplicaFigures:
    """A replica where so many tokens are worth so much to somebody."""
    demand = list(figures.demand)
    demand[band_of(worth)] += tokens
    return replace(figures, demand=tuple(demand))


WORTH = 0.5 / 350
FULL = wanted(20_000, WORTH)


@given(st.floats(min_value=0, max_value=1))
def test_a_worth_lies_in_its_band(worth: float) -> None:
    band = band_of(worth)
    assert band == len(BANDS) - 1 or BANDS[band] <= worth * (1 + 1e-9)
    assert band == 0 or worth <= BANDS[band - 1] * (1 + 1e-9)


def test_figures_survive_the_way_to_a_router() -> None:
    figures = replace(FULL, expected_wait_s=2.5, overdue=3)
    assert ReplicaFigures.from_mapping(json.loads(json.dumps(figures.to_mapping()))) == figures


def test_figures_of_a_later_version_are_understood() -> None:
    assert ReplicaFigures.from_mapping({**EMPTY.to_mapping(), "new": [1, "two"]}) == EMPTY


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"waiting": -1}, "waiting must be a finite number, 0 or more, not -1"),
        ({"step_s": float("nan")}, "step_s must be a finite number"),
        ({"running": True}, "running must be a finite number, 0 or more, not True"),
        ({"demand": [1, 2]}, f"demand has 2 bands instead of {len(BANDS)}"),
        ({"demand": "much"}, "demand must be a list of numbers, not 'much'"),
        ({"demand": [-1.0] * len(BANDS)}, "demand must be a finite number, 0 or more, not -1.0"),
        ({"step_s": None}, "step_s must be a finite number, 0 or more, not None"),
    ],
)
def test_wrong_figures_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(FiguresError, match=message):
        ReplicaFigures.from_mapping({**EMPTY.to_mapping(), **change})


@pytest.mark.parametrize(
    ("value", "message"),
    [([1], r"must be an object, not \[1\]"), ({"waiting": 1}, "have no running")],
)
def test_what_is_no_figures_is_refused(value: object, message: str) -> None:
    with pytest.raises(FiguresError, match=message):
        ReplicaFigures.from_mapping(value)


def test_an_empty_replica_serves_at_once_and_nobody_loses() -> None:
    found = score(Load(EMPTY, 0.0), ASKED)
    assert found.qoe == 1.0
    assert found.lost == pytest.approx(0.0, abs=1e-3)


def test_a_long_queue_of_prompts_delays_the_first_text() -> None:
    behind = replace(EMPTY, prompt_tokens_due=100_000)  # ten seconds of them
    assert score(Load(behind, 0.0), ASKED).qoe < score(Load(EMPTY, 0.0), ASKED).qoe


def test_a_prompt_that_is_found_again_costs_less() -> None:
    load = Load(FULL, 0.0)
    assert score(load, ASKED, found_tokens=192).lost < score(load, ASKED).lost


def test_memory_has_a_price_only_where_more_is_wanted_than_there_is() -> None:
    assert Load(wanted(9_000, WORTH), 0.0).price <= BANDS[-1]
    assert Load(FULL, 0.0).price == pytest.approx(WORTH, rel=0.35)


@given(
    st.lists(st.tuples(st.floats(0, 30_000), st.floats(0, 0.1)), max_size=6),
    st.integers(1, 3_000),
)
def test_the_price_never_falls_by_a_request(wants: list[tuple[float, float]], prompt: int) -> None:
    figures = EMPTY
    for tokens, worth in wants:
        figures = wanted(tokens, worth, figures)
    load = Load(figures, 0.0)
    before = load.price
    load.send(Asked(prompt_tokens=prompt))
    assert load.price >= before - 1e-12


@given(st.floats(0, 60_000), st.floats(1e-6, 0.05), st.integers(1, 8_000), st.floats(0.1, 20))
def test_a_score_is_a_qoe_and_a_loss(tokens: float, worth: float, prompt: int, tds: float) -> None:
    load = Load(wanted(tokens, worth), 0.0)
    asked = Asked(prompt_tokens=prompt, tds=tds)
    found, inside = score(load, asked), load.displaced(asked)[1]
    assert 0 <= found.qoe <= 1
    assert found.lost >= 0
    if inside == 1.0:  # what does not come in counts as what it is worth in `horizon_s`
        assert found.lost >= 1 - found.qoe - 1e-9


@given(
    st.lists(st.tuples(st.floats(0, 9_000), st.floats(0, 0.05)), max_size=8),
    st.integers(1, 6_000),
)
def test_what_is_displaced_is_what_no_longer_fits(
    wants: list[tuple[float, float]], prompt: int
) -> None:
    """Against the definition: all that does not fit, with the request less without it."""
    figures = EMPTY
    for tokens, worth in wants:
        figures = wanted(tokens, worth, figures)
    before, after = Load(figures, 0.0), Load(figures, 0.0)
    asked = Asked(prompt_tokens=prompt, output_tokens=2)
    after.send(asked)
    lost, inside = before.displaced(asked)
    expected = does_not_fit(after.demand) - does_not_fit(before.demand)
    assert lost == pytest.approx(expected, abs=1e-6)
    assert 0 <= inside <= 1


def does_not_fit(demand: tuple[float, ...]) -> float:
    """What the tokens are worth that find no room, the least valuable."""
    room, left = float(EMPTY.kv_tokens), 0.0
    for low, tokens in zip(BANDS, demand, strict=True):
        left += low * max(0.0, tokens - room)
        room = max(0.0, room - tokens)
    return left


def router(**figures: ReplicaFigures) -> Router:
    made = Router()
    for name, one in figures.items():
        made.hear(name, one, 0.0)
    return made


def test_the_replica_with_room_is_chosen() -> None:
    choice = router(full=FULL, empty=EMPTY).choose(ASKED, ["full", "empty"], 1.0)
    assert choice is not None
    assert (choice.replica, choice.age_s) == ("empty", 1.0)


def test_who_is_late_beyond_help_does_not_make_a_replica_full() -> None:
    """Ten times as many tokens are wanted there, but waiting costs those readers nothing more."""
    lost_cause = replace(wanted(100_000, 1e-9), waiting=200)
    choice = router(busy=FULL, lost=lost_cause).choose(ASKED, ["busy", "lost"], 1.0)
    assert choice is not None
    assert choice.replica == "lost"


def test_what_was_sent_since_the_figures_counts() -> None:
    made, sent = router(a=EMPTY, b=EMPTY), {"a": 0, "b": 0}
    for _ in range(60):
        choice = made.choose(ASKED, ["a", "b"], 1.0)
        assert choice is not None
        made.sent(choice.replica, ASKED)
        sent[choice.replica] += 1
    assert abs(sent["a"] - sent["b"]) <= 1


def test_new_figures_have_in_them_what_was_sent_before() -> None:
    made = router(a=EMPTY, b=EMPTY)
    for _ in range(50):
        made.sent("a", ASKED)
    made.hear("a", EMPTY, 2.0)
    load = made.load("a")
    assert load is not None
    assert (load.sent, load.ongoing) == (0, 0)
    made.sent("a", ASKED)
    made.hear("a", FULL, 1.0)  # older than those that are known
    assert made.load("a") is load
    assert load.ongoing == 1


@pytest.mark.parametrize("now", [30.0, 31.0])
def test_old_figures_are_not_used(now: float) -> None:
    choice = router(a=EMPTY, b=FULL).choose(ASKED, ["a", "b"], now)
    assert (choice is None) == (now > 30)


def test_a_replica_that_says_nothing_comes_last() -> None:
    made = router(a=FULL, b=FULL)
    made.hear("c", ReplicaFigures(waiting=0, running=0, kv_tokens=100, free_tokens=100), 0.0)
    ranked = made.rank(ASKED, ["c", "a", "b"], 1.0)
    assert ranked is not None
    assert ranked[-1].replica == "c"
    assert made.choose(ASKED, ["a", "c"], 1.0) is None
    made.forget("b")
    assert made.rank(ASKED, ["a", "b", "c"], 1.0) is None
    assert made.rank(ASKED, [], 1.0) is None
