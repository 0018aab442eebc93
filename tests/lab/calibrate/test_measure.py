"""From requests to step times and a profile, on a virtual server whose costs are known."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from numpy.random import PCG64, Generator

from andes_backend.lab.calibrate.design import Batch, Limits, Visits
from andes_backend.lab.calibrate.fit import Fit, fit
from andes_backend.lab.calibrate.measure import Inside, Laboratory, MeasureError
from andes_backend.lab.calibrate.observation import Observation, predicted_s
from andes_backend.lab.calibrate.reading import at_once, decode_step, visit_steps
from andes_backend.lab.calibrate.session import Measured, measure
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request, Workload
from andes_backend.profile import Decode, Prefill, Profile, load_profile
from andes_client.expectation import Expectation
from tests.lab.calibrate.profiles_for_tests import TINY
from tests.lab.calibrate.virtual_engine import VirtualEngine

LIMITS = Limits(
    kv_tokens=5120, block_size=32, max_model_len=1024, max_sequences=64, max_step_tokens=2048
)


def laboratory(engine: VirtualEngine, *, says: bool = True, repetitions: int = 1) -> Laboratory:
    def inside() -> Inside:
        return Inside(engine.ended, engine.queued_s, engine.computing_s)

    return Laboratory(engine.send, seed=1, repetitions=repetitions, inside=inside if says else None)


def calibrated(
    engine: VirtualEngine, limits: Limits, *, says: bool = True, repetitions: int = 1
) -> tuple[Measured, Fit]:
    lab = laboratory(engine, says=says, repetitions=repetitions)
    found = asyncio.run(measure(lab, limits, True))
    return found, fit(
        found.observations, found.limits, name="found", source="", outside_s=found.outside_s
    )


def outcome(index: int, prompt: int, times: Sequence[float], submitted: float = 0.0) -> Outcome:
    request = Request(submitted, prompt, len(times), Expectation.program())
    return Outcome(index, request, submitted, tuple(times))


@pytest.mark.parametrize("says", [True, False], ids=["told", "untold"])
def test_a_whole_calibration_finds_the_servers_costs(says: bool) -> None:
    measured, found = calibrated(VirtualEngine(TINY), LIMITS, says=says)
    assert found.overall.median_error < 0.005
    assert found.overall.worst_error < 0.03
    (decode,) = found.profile.decode
    assert decode.base_ms == pytest.approx(8.0, rel=0.02)
    assert decode.per_sequence_ms == pytest.approx(0.45, rel=0.02)
    assert decode.per_context_token_ms == pytest.approx(0.0033, rel=0.03)
    assert found.profile.prefill.per_token_ms == pytest.approx(0.56, rel=0.01)
    together = found.profile.prefill.base_ms + found.profile.outside_ms
    assert together == pytest.approx(10.0, rel=0.02)
    if says:
        assert found.profile.outside_ms == pytest.approx(4.0, rel=0.05)
    assert {one.kind for one in measured.observations} == {"prefill", "decode", "mixed"}
    assert measured.notes == ()


def test_a_fast_server_is_measured_as_well() -> None:
    """Steps far shorter than the time in which requests come in."""
    fast = replace(
        TINY,
        kv_tokens=900_000,
        block_size=16,
        max_sequences=256,
        max_step_tokens=8192,
        prefill=Prefill(base_ms=5.0, per_token_ms=0.02, per_square_token_ms=1e-7),
        decode=(Decode(base_ms=5.0, per_sequence_ms=0.02, per_context_token_ms=2e-5),),
        outside_ms=2.0,
    )
    limits = Limits(
        kv_tokens=900_000,
        block_size=16,
        max_model_len=32_768,
        max_sequences=256,
        max_step_tokens=8192,
    )
    measured, found = calibrated(VirtualEngine(fast), limits)
    assert measured.notes == ()
    assert found.overall.median_error < 0.01
    assert found.overall.worst_error < 0.05
    assert max(one.sequences for one in measured.observations) == 256
    for one in measured.observations:
        assert predicted_s(found.profile, one) == pytest.approx(predicted_s(fast, one), rel=0.05)


def test_noise_is_averaged_away() -> None:
    engine = VirtualEngine(TINY, rng=Generator(PCG64(3)), noise=0.1)
    _, found = calibrated(engine, LIMITS, repetitions=3)
    for sequences, context in ((1, 500), (16, 2000), (64, 4000)):
        true = TINY.step_s([], sequences, context)
        assert found.profile.step_s([], sequences, context) == pytest.approx(true, rel=0.05)
    assert 0.01 < found.overall.spread < 0.3


def test_fewer_sequences_than_were_assumed_are_noticed_by_their_waiting() -> None:
    engine = VirtualEngine(replace(TINY, max_sequences=20))
    measured, found = calibrated(engine, LIMITS)
    assert measured.limits.max_sequences == found.profile.max_sequences == 20
    assert measured.notes == ("the server admits 20 sequences at a time (measured)",)
    assert max(one.sequences for one in measured.observations) == 20
    assert found.overall.worst_error < 0.03


def test_requests_that_are_slow_to_come_in_are_no_sign_of_a_limit() -> None:
    engine = VirtualEngine(TINY, accept_s=0.05)
    count, step = asyncio.run(laboratory(engine).admitted(Batch(60, 8, 40)))
    assert (count, step) == (None, None)


def test_every_experiment_has_prompts_of_its_own() -> None:
    engine = VirtualEngine(TINY)
    calibrated(engine, LIMITS, repetitions=2)
    seeds = [workload.seed for workload in engine.sent]
    assert len(set(seeds)) == len(seeds) > 50


def test_experiments_are_told_of_before_they_run() -> None:
    told: list[tuple[str, int, int]] = []
    lab = Laboratory(
        VirtualEngine(TINY).send,
        seed=1,
        repetitions=2,
        told=lambda what, done, of: told.append((what, done, of)),
    )
    found = asyncio.run(lab.prefill((8, 16)))
    assert told == [("prefill", i, 4) for i in range(4)]
    assert [one.prompt_tokens for one in found] == [8, 16]
    assert lab.sent == 4
    assert lab.outside == [], "the server does not say"


def test_a_stream_that_comes_all_at_once_cannot_be_measured() -> None:
    async def held_back(workload: Workload) -> list[Outcome]:
        return [
            Outcome(i, request, 0.0, (1.0,) * request.output_tokens)
            for i, request in enumerate(workload.requests)
        ]

    with pytest.raises(MeasureError, match="the tokens of a request came in bursts"):
        asyncio.run(Laboratory(held_back, seed=1).warm_up(100))


def test_a_decode_step_is_read_where_all_are_writing() -> None:
    """The first starts early and ends early; before and after, steps are shorter."""
    early = [0.1, 0.2, *(0.3 + 0.02 * i for i in range(10))]
    late = [*(0.3 + 0.02 * i for i in range(10)), 0.5, 0.51]
    found = decode_step([outcome(0, 100, early), outcome(1, 50, late)])
    assert found is not None
    assert (found.kind, found.prompt_tokens, found.sequences) == ("decode", 0, 2)
    assert found.seconds == pytest.approx(0.02)
    # Tokens 2 to 11 of one, 0 to 9 of the other.
    assert found.context_tokens == pytest.approx(100 + 6.5 + 50 + 4.5)


def test_streams_that_hardly_meet_show_no_step() -> None:
    early, late = [0.1 * i for i in range(9)], [0.7 + 0.1 * i for i in range(9)]
    assert decode_step([outcome(0, 8, early), outcome(1, 8, late)]) is None
    assert decode_step([outcome(0, 8, early), outcome(1, 8, [9.0, 9.1])]) is None
    bursts = [0.1] * 5 + [0.2] * 5 + [0.3] * 5
    assert decode_step([outcome(0, 8, bursts)]) is None, "held up, and let go all at once"


def test_how_many_write_at_once_is_what_lasts() -> None:
    first, second = [0.1 * i for i in range(20)], [0.55 + 0.1 * i for i in range(20)]
    third = [1.88 + 0.1 * i for i in range(20)]  # begins just before the first ends
    assert at_once([outcome(i, 8, times) for i, times in enumerate((first, second, third))]) == 2
    assert at_once([outcome(i, 8, first) for i in range(3)]) == 3


def test_a_visit_is_the_gap_that_ends_with_the_visitors_token() -> None:
    stream = [0.1, 0.12, 0.14, 0.30, 0.32, 0.34, 0.36, 0.60, 0.62]
    shorter = [0.1, 0.12, 0.141, 0.302, 0.322]
    visitors = [outcome(2, 70, [0.181], 0.12), outcome(3, 90, [0.25], 0.35)]
    first, second = visit_steps([outcome(0, 10, stream), outcome(1, 20, shorter)], visitors)
    assert first == Observation("mixed", 70, 2, 10 + 3 + 20 + 3, first.seconds)
    assert second == Observation("mixed", 90, 1, 10 + 7, second.seconds)
    assert (first.seconds, second.seconds) == pytest.approx((0.1605, 0.24))


@pytest.mark.parametrize(
    ("why", "firsts"),
    [
        ("the batch has ended", [(0.9, 0.1)]),
        ("the batch has not begun", [(0.05, 0.01)]),
        ("the batch is starting", [(0.1, 0.05)]),
        ("the token before came late", [(0.32, 0.1)]),
        ("two in one step", [(0.3, 0.1), (0.301, 0.1)]),
    ],
)
def test_visits_that_show_nothing_are_left_out(why: str, firsts: list[tuple[float, float]]) -> None:
    stream = [0.1, 0.12, 0.14, 0.30, 0.32, 0.34]
    visitors = [outcome(1 + i, 70, [at - sent], sent) for i, (at, sent) in enumerate(firsts)]
    assert visit_steps([outcome(0, 10, stream)], visitors) == [], why


def test_what_showed_nothing_is_tried_again_and_counted() -> None:
    engine = VirtualEngine(TINY)
    lab = laboratory(engine)
    # Visitors that come when all is over.
    plan = Visits(Batch(2, 8, 10), ((5.0, 100),))
    assert asyncio.run(lab.mixed([plan])) == ()
    assert lab.dropped == 1
    assert len(engine.sent) == 3


@pytest.mark.parametrize("name", ["opt-66b-4xa100-distserve", "llama-3-70b-4xh100"])
def test_published_profiles_are_found_again_through_requests(name: str) -> None:
    true = replace(load_profile(name), outside_ms=5.0)
    limits = Limits(
        kv_tokens=true.kv_tokens,
        block_size=true.block_size,
        max_model_len=4096,
        max_sequences=true.max_sequences,
        max_step_tokens=true.max_step_tokens,
    )
    measured, found = calibrated(VirtualEngine(true), limits)
    assert found.overall.median_error < 0.01, costs_of(found.profile)
    assert found.overall.p90_error < 0.03
    assert len(found.profile.decode) == len(true.decode)
    assert measured.notes == ()


def costs_of(profile: Profile) -> str:
    return f"{profile.prefill} {profile.decode} {profile.outside_ms}"
