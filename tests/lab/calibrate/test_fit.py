"""Fitting: known costs are found again, bad data are called bad, no cost is ever negative."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator

from andes_backend.lab.calibrate.design import Limits
from andes_backend.lab.calibrate.fit import Fit, FitError, fit
from andes_backend.lab.calibrate.least_squares import nonnegative
from andes_backend.lab.calibrate.observation import Kind, Observation, medians, predicted_s
from andes_backend.profile import Decode, Prefill, Profile, built_in, load_profile
from tests.lab.calibrate.profiles_for_tests import TINY

LIMITS = Limits(
    kv_tokens=80_000, block_size=16, max_model_len=8192, max_sequences=256, max_step_tokens=2048
)
BATCHES = [(b, b * c) for b in (1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256) for c in (20, 150, 300)]
LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048, 5000, 8000)


def points(profile: Profile, noise: float = 0.0, seed: int = 0) -> list[Observation]:
    """What an ideal calibration would measure, off by a normal share of each time."""
    kinds: list[tuple[Kind, int, int, int]] = [
        *(("prefill", n, 0, 0) for n in LENGTHS),
        *(("decode", 0, b, t) for b, t in BATCHES),
        *(("mixed", n, b, 50 * b) for n in LENGTHS if n < 1900 for b in (1, 16, 128)),
    ]
    errors = 1 + noise * Generator(PCG64(seed)).standard_normal(len(kinds))
    blank = [Observation(*kind, 0.0) for kind in kinds]
    return [
        replace(one, seconds=predicted_s(profile, one) * max(0.05, float(error)))
        for one, error in zip(blank, errors, strict=True)
    ]


def fitted(observations: list[Observation], outside_s: float | None = None) -> Fit:
    return fit(observations, LIMITS, name="found", source="a test", outside_s=outside_s)


def assert_same(found: Profile, true: Profile, within: float) -> None:
    """The same times everywhere, which is what a profile is for."""
    for one in points(true):
        assert predicted_s(found, one) == pytest.approx(one.seconds, rel=within), str(one)


@pytest.mark.parametrize("name", built_in())
def test_a_published_profile_is_found_again_without_noise(name: str) -> None:
    true = replace(load_profile(name), outside_ms=3.0)
    found = fitted(points(true), 0.003)
    assert_same(found.profile, true, 0.002)
    assert found.overall.r2 == pytest.approx(1.0, abs=1e-4)
    assert len(found.profile.decode) == len(true.decode)
    assert found.profile.prefill.per_token_ms == pytest.approx(true.prefill.per_token_ms, rel=0.01)
    bent = true.prefill.per_square_token_ms
    assert found.profile.prefill.per_square_token_ms == pytest.approx(bent, rel=0.02, abs=1e-9)


def test_distserves_two_pieces_are_split_where_they_are() -> None:
    found = fitted(points(load_profile("opt-66b-4xa100-distserve")))
    low, high = found.profile.decode
    assert low.below_sequences == 96  # the smallest batch that was measured above 95
    assert low.per_context_token_ms == pytest.approx(6.946e-4, rel=0.02)
    assert high.per_sequence_ms == pytest.approx(0.19508, rel=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_noise_of_three_percent_costs_little(seed: int) -> None:
    found = fitted(points(TINY, 0.03, seed), TINY.outside_s)
    assert_same(found.profile, TINY, 0.05)
    (decode,) = found.profile.decode
    assert decode.base_ms == pytest.approx(8.0, rel=0.1)
    assert decode.per_sequence_ms == pytest.approx(0.45, rel=0.1)
    assert decode.per_context_token_ms == pytest.approx(0.0033, rel=0.1)
    assert found.profile.prefill.per_token_ms == pytest.approx(0.56, rel=0.03)
    assert found.profile.prefill.per_square_token_ms == 0.0, "noise is no curve"
    assert 0.01 < found.overall.median_error < 0.04


def test_a_base_of_prompts_larger_than_that_of_decoding_shows_in_mixed_steps() -> None:
    """Then nobody needs to say how long the way outside is."""
    true = replace(TINY, prefill=replace(TINY.prefill, base_ms=20.0), outside_ms=7.0)
    found = fitted(points(true)).profile
    assert found.prefill.base_ms == pytest.approx(20.0, rel=0.02)
    assert found.outside_ms == pytest.approx(7.0, rel=0.05)


def test_a_smaller_base_of_prompts_needs_the_servers_word_on_the_way_outside() -> None:
    told = fitted(points(TINY), TINY.outside_s).profile
    assert told.prefill.base_ms == pytest.approx(6.0, rel=0.02)
    assert told.outside_ms == pytest.approx(4.0, rel=0.02)
    # The longest prompts take four steps, which tells as much, if not to the last percent.
    untold = fitted(points(TINY)).profile
    assert untold.prefill.base_ms + untold.outside_ms == pytest.approx(10.0, rel=0.05)
    # With nothing to tell them apart, a prompt's step is not taken to cost more than any step.
    short = [one for one in points(TINY) if one.prompt_tokens <= 2048]
    untold = fitted(short).profile
    assert untold.prefill.base_ms == pytest.approx(8.0, rel=0.03)
    assert untold.outside_ms == pytest.approx(2.0, abs=0.3)


@given(
    base=st.floats(1, 60),
    token=st.floats(0.001, 1),
    square=st.one_of(st.just(0.0), st.floats(1e-6, 1e-4)),
    step=st.floats(1, 60),
    sequence=st.floats(0, 1),
    context=st.floats(0, 0.01),
    outside=st.floats(0, 20),
)
@settings(max_examples=50)
def test_any_profile_is_found_again(
    base: float,
    token: float,
    square: float,
    step: float,
    sequence: float,
    context: float,
    outside: float,
) -> None:
    true = replace(
        TINY,
        prefill=Prefill(base_ms=base, per_token_ms=token, per_square_token_ms=square),
        decode=(Decode(base_ms=step, per_sequence_ms=sequence, per_context_token_ms=context),),
        outside_ms=outside,
    )
    found = fitted(points(true), true.outside_s)
    assert found.overall.median_error < 0.01
    assert found.overall.p90_error < 0.03


@given(
    times=st.lists(st.floats(1e-4, 10), min_size=len(points(TINY)), max_size=len(points(TINY))),
    outside_s=st.one_of(st.none(), st.floats(0, 1)),
)
@settings(max_examples=50)
def test_no_cost_is_negative_whatever_was_measured(
    times: list[float], outside_s: float | None
) -> None:
    """`Profile` refuses negative costs, so that a fit exists is the proof."""
    data = [replace(one, seconds=t) for one, t in zip(points(TINY), times, strict=True)]
    found = fitted(data, outside_s)
    assert found.overall.worst_error >= found.overall.p90_error >= found.overall.median_error >= 0


def test_times_that_follow_no_such_law_are_a_bad_fit() -> None:
    rng = Generator(PCG64(1))
    data = [replace(one, seconds=float(rng.uniform(0.005, 0.5))) for one in points(TINY)]
    found = fitted(data)
    assert found.overall.median_error > 0.3
    assert all(quality.r2 is not None and quality.r2 < 0.5 for quality in found.quality.values())


def test_each_kind_is_judged_by_itself_and_the_worst_point_is_named() -> None:
    data = points(TINY)
    spoilt = next(i for i, one in enumerate(data) if one.kind == "decode" and one.sequences == 8)
    data[spoilt] = replace(data[spoilt], seconds=2 * data[spoilt].seconds)
    found = fitted(data, TINY.outside_s)
    assert found.quality["decode"].worst == found.overall.worst == data[spoilt]
    assert found.overall.worst_error == pytest.approx(0.5, abs=0.1)
    assert found.quality["prefill"].worst_error < 0.02
    assert [found.quality[kind].points for kind in found.quality] == [11, 33, 24]


def test_the_profile_says_what_the_server_can_hold() -> None:
    found = fitted(points(TINY)).profile
    assert (found.name, found.source) == ("found", "a test")
    assert (found.kv_tokens, found.block_size) == (80_000, 16)
    assert (found.max_sequences, found.max_step_tokens) == (256, 2048)
    assert Profile.from_json(found.to_json(), "here") == found


@pytest.mark.parametrize("kept", ["prefill", "decode"])
def test_too_few_measurements_are_refused(kept: str) -> None:
    data = [one for one in points(TINY) if one.kind == kept]
    with pytest.raises(FitError, match="too few to fit costs; it takes three of each"):
        fitted(data)


def test_nonnegative_least_squares_leaves_out_what_would_be_negative() -> None:
    rows = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert nonnegative(rows, np.array([3.0, 5.0, 7.0])) == pytest.approx([1.0, 2.0])
    assert nonnegative(rows, np.array([1.0, 3.0, 5.0])) == pytest.approx([0.0, 11 / 7])
    assert nonnegative(rows, np.array([-1.0, -1.0, -1.0])).tolist() == [0.0, 0.0]
    assert nonnegative(np.zeros((3, 2)), np.ones(3)).tolist() == [0.0, 0.0]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_no_nonnegative_solution_is_nearer(seed: int) -> None:
    rng = Generator(PCG64(seed))
    rows, wanted = rng.standard_normal((8, 4)), rng.standard_normal(8)
    found = nonnegative(rows, wanted)
    assert (found >= 0).all()
    # At the optimum the gradient is zero where x is positive and points outwards elsewhere.
    gradient = rows.T @ (rows @ found - wanted)
    assert np.abs(gradient[found > 0]).max(initial=0) < 1e-9
    assert gradient[found == 0].min(initial=0) > -1e-9


def test_repetitions_become_their_median() -> None:
    repeated = [(7, Observation("decode", 0, 2, 100 + i, t)) for i, t in enumerate((0.3, 0.1, 0.2))]
    other = (7, Observation("decode", 0, 1, 50, 0.4))
    together, alone = medians([*repeated, other])
    assert replace(together, spread=0.0) == Observation("decode", 0, 2, 101, 0.2, 0.0)
    assert together.spread == pytest.approx(1.0)
    assert alone == other[1], "another number of sequences is another thing"


def test_observations_say_what_they_are() -> None:
    assert str(Observation("prefill", 1022, 0, 0, 1.0)) == "a prompt of 1,022 tokens"
    batch = "32 sequences with 4,160 tokens of context"
    assert str(Observation("decode", 0, 32, 4160, 1.0)) == batch
    assert str(Observation("mixed", 8, 32, 4160, 1.0)) == f"a prompt of 8 tokens beside {batch}"
