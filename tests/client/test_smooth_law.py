"""The law of smooth release, driven without any event loop: every moment is exact."""

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_client import Event, smooth
from andes_client.buffer import Buffer, Statistics, make_buffer
from andes_client.segment import UnitKind
from tests.thorough import cases

JUST = 1e-6
Act = Callable[[Buffer, float], object]


class Played:
    """What a buffer was given, and what it released."""

    def __init__(
        self,
        arrivals: list[tuple[float, str]],
        window: float = 0.5,
        *,
        unit: UnitKind = "word",
        actions: Sequence[tuple[float, Act]] = (),
        markdown: bool = False,
        max_lag: float | None = None,
    ) -> None:
        self.released: list[tuple[float, str]] = []
        self.events: list[Event] = []
        self.buffer = make_buffer(
            smooth(window),
            unit=unit,
            language="en",
            markdown=markdown,
            anti_stall=None,
            max_lag=max_lag,
            max_speed_up=2.0,
        )
        self.buffer.on_event = self.events.append
        self.buffer.start(0.0)
        receive = [(at, partial(_receive, text)) for at, text in arrivals]
        end = (arrivals[-1][0] if arrivals else 0.0, Buffer.end)
        self._drive(sorted([*receive, end, *actions], key=lambda each: each[0]))

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.released]

    @property
    def gaps(self) -> list[float]:
        return [b - a for a, b in itertools.pairwise(self.times)]

    @property
    def text(self) -> str:
        return "".join(text for _, text in self.released)

    @property
    def statistics(self) -> Statistics:
        return self.buffer.statistics(self.times[-1])

    def _drive(self, happenings: list[tuple[float, Act]]) -> None:
        now = 0.0
        while True:
            step = self.buffer.poll(now)
            if isinstance(step, str):
                self.released.append((now, step))
            elif happenings and (step is None or happenings[0][0] < step):
                now, act = happenings.pop(0)
                act(self.buffer, now)
            elif step is None:
                return
            else:
                assert step < math.inf, "nothing will ever come"
                now = step


def _receive(text: str, buffer: Buffer, now: float) -> None:
    buffer.receive(text, now)


def steady(words: int, gap: float, begin: float = 0.0) -> list[tuple[float, str]]:
    """A word at a time."""
    return [(begin + number * gap, f" word{number}") for number in range(words)]


def letters_of(arrivals: list[tuple[float, str]]) -> list[float]:
    return [at for at, text in arrivals for _ in text]


TEXTS = st.text("ab, .", max_size=12)
ARRIVALS = st.lists(
    st.tuples(st.one_of(st.just(0.0), st.floats(0, 0.1), st.floats(0, 3)), TEXTS), max_size=40
).map(
    lambda script: list(
        zip(
            itertools.accumulate(gap for gap, _ in script),
            (text for _, text in script),
            strict=True,
        )
    )
)
WINDOWS = st.sampled_from([0.02, 0.2, 0.5, 2.0])


@settings(max_examples=cases(300), deadline=None)
@given(ARRIVALS, WINDOWS)
def test_nothing_is_lost_or_early_or_later_than_the_window(
    arrivals: list[tuple[float, str]], window: float
) -> None:
    played = Played(arrivals, window)
    assert played.text == "".join(text for _, text in arrivals)
    assert played.times == sorted(played.times)
    came, place = letters_of(arrivals), 0
    for at, text in played.released:
        place += len(text)
        assert at >= came[place - 1]
        if text.strip():
            begin = place - len(text.lstrip())
            assert at <= came[begin] + window + JUST


@settings(max_examples=cases(100), deadline=None)
@given(ARRIVALS, WINDOWS, st.sampled_from(["grapheme", "sentence", "line", "token"]))
def test_nothing_is_lost_in_any_unit(
    arrivals: list[tuple[float, str]], window: float, unit: UnitKind
) -> None:
    for markdown in (False, True):
        played = Played(arrivals, window, unit=unit, markdown=markdown)
        assert played.text == "".join(text for _, text in arrivals)
        assert played.times == sorted(played.times)


CONTROLS = st.lists(
    st.tuples(
        st.floats(0, 5),
        st.sampled_from(
            [
                ("pause",),
                ("resume",),
                ("speed", 0.25),
                ("speed", 1.0),
                ("speed", 3.0),
                ("reveal_all",),
                ("visible", False),
            ]
        ),
    ),
    max_size=8,
)


@settings(max_examples=cases(200), deadline=None)
@given(ARRIVALS, WINDOWS, CONTROLS)
def test_no_control_loses_text_or_hangs(
    arrivals: list[tuple[float, str]], window: float, controls: list[tuple[float, Any]]
) -> None:
    def act(control: str, *values: object) -> Act:
        return lambda buffer, now: getattr(buffer, control)(*values, now)

    actions = [(at, act(*control)) for at, control in controls]
    played = Played(arrivals, window, actions=[*actions, (9.0, Buffer.resume)])
    assert played.text == "".join(text for _, text in arrivals)


def test_the_first_word_is_not_delayed() -> None:
    assert Played([(1.0, "One two three four ")]).released[0] == (1.0, "One")
    assert Played([(1.0, "On"), (1.2, "ce upon ")]).released[0] == (1.0, "On")


def test_words_come_evenly_however_long_they_are() -> None:
    text = "a considerable number of unbelievably long words in it "
    played = Played([(at / 10, text) for at in range(100)])
    settled = played.gaps[200:-30]
    assert max(settled) < 1.05 * min(settled)


def test_there_is_no_saw_tooth_within_a_clump() -> None:
    played = Played([(at * 0.2, "one two three four five six seven eight ") for at in range(60)])
    settled = played.gaps[160:-20]
    assert settled == pytest.approx([0.2 / 8] * len(settled), rel=0.02)


def test_a_burst_is_out_within_the_window_all_of_it_alike() -> None:
    played = Played([(0.0, "word " * 200)])
    assert played.times[-1] == pytest.approx(0.5, abs=0.01)
    assert max(played.gaps) < 1.01 * min(played.gaps)


def test_a_burst_after_a_stall_is_no_leap_in_speed() -> None:
    """A clump counts for the silence before it: afterwards text goes on as it did."""
    before, after = steady(100, 0.03), steady(100, 0.03, begin=4.03)
    played = Played([*before, (4.0, "word " * 30), *after], 0.5)
    last = [gap for gap, at in zip(played.gaps, played.times, strict=False) if at > 5.0]
    assert max(last) < 1.5 * 0.03
    assert min(last) > 0.03 / 1.7


def test_what_is_in_hand_is_stretched_when_nothing_comes() -> None:
    """The silence of 450 ms is no gap of 450 ms."""
    arrivals = [*steady(100, 0.03), *steady(100, 0.03, begin=3.42)]
    assert max(Played(arrivals).gaps) < 0.25


def test_text_that_comes_evenly_is_delayed_little() -> None:
    arrivals = steady(200, 0.02)
    played = Played(arrivals, window=5.0)
    assert max(at - came for at, (came, _) in zip(played.times, arrivals, strict=True)) < 0.3


def test_a_forecast_of_the_server_stretches_at_once() -> None:
    def expect(buffer: Buffer, now: float) -> None:
        from andes_client import wire

        buffer.expect(wire.Forecast(median_s=0.4, p90_s=0.4), now)

    arrivals = [*steady(100, 0.03), (9.0, "end")]
    usual, told = Played(arrivals), Played(arrivals, actions=[(2.98, expect)])
    assert told.times[95] > usual.times[95]


class TestControls:
    def test_a_pause_brings_no_flood(self) -> None:
        """Text goes on at its speed, that much later; the pause is nobody's delay."""
        arrivals = steady(400, 0.03)
        played = Played(arrivals, actions=[(3.0, Buffer.pause), (8.0, Buffer.resume)])
        assert not [at for at in played.times if 3.0 < at < 8.0]
        later = [gap for gap, at in zip(played.gaps, played.times, strict=False) if at > 8.0]
        assert min(later) > 0.03 / 2
        assert max(later) < 0.03 * 2
        assert played.times[-1] < arrivals[-1][0] + 5.0 + 0.5 + JUST
        assert played.statistics.stalls == 0

    def test_when_all_has_been_seen_the_window_holds_again(self) -> None:
        arrivals = [*steady(50, 0.03), *steady(50, 0.03, begin=20.0)]
        played = Played(arrivals, actions=[(1.0, Buffer.pause), (5.0, Buffer.resume)])
        assert played.times[-1] < arrivals[-1][0] + 0.5 + JUST

    def test_slower_is_so_much_slower_than_it_comes(self) -> None:
        played = Played(
            steady(300, 0.03), actions=[(2.0, lambda buffer, now: buffer.speed(0.5, now))]
        )
        slow = [gap for gap, at in zip(played.gaps, played.times, strict=False) if 3 < at < 9]
        assert slow == pytest.approx([0.06] * len(slow), rel=0.05)

    def test_faster_catches_up(self) -> None:
        actions: list[tuple[float, Act]] = [
            (1.0, Buffer.pause),
            (4.0, Buffer.resume),
            (4.0, lambda buffer, now: buffer.speed(3.0, now)),
        ]
        arrivals = steady(600, 0.03)
        played = Played(arrivals, actions=actions)
        last = list(zip(played.times, arrivals, strict=True))[-100:]
        assert max(at - came for at, (came, _) in last) < 0.5
        assert len(set(played.times)) > 0.99 * len(arrivals)  # and yet word by word

    def test_everything_can_be_revealed(self) -> None:
        played = Played(
            steady(100, 0.03), actions=[(1.0, lambda buffer, now: buffer.reveal_all(now))]
        )
        came = [at for at, _ in steady(100, 0.03) if at > 1.0]
        assert played.times[-len(came) :] == pytest.approx(came)

    def test_a_reader_who_was_elsewhere_is_not_shown_all_they_missed_at_once(self) -> None:
        buffer = Played([]).buffer = make_buffer(
            smooth(),
            unit="word",
            language="en",
            markdown=False,
            anti_stall=None,
            max_lag=None,
            max_speed_up=2.0,
        )
        buffer.start(0.0)
        for at, text in steady(200, 0.03):
            buffer.receive(text, at)
            if at < 2.0:
                while isinstance(buffer.poll(at), str):
                    pass
        at_once = 0
        while isinstance(buffer.poll(6.0), str):
            at_once += 1
        assert at_once <= 2

    def test_a_bound_on_the_lag_holds_for_who_is_behind(self) -> None:
        arrivals = steady(400, 0.03)
        actions = [(3.0, Buffer.pause), (11.0, Buffer.resume)]
        played = Played(arrivals, actions=actions, max_lag=2.0)
        assert played.times[-1] == pytest.approx(arrivals[-1][0] + 2.0, abs=0.1)


def test_what_is_measured_is_measured_for_a_person_who_reads() -> None:
    """At 33 words a second they have plenty to read, whatever the server does for a while."""
    arrivals = [*steady(100, 0.03), *steady(100, 0.03, begin=10.0)]
    played = Played([(1.0 + at, text) for at, text in arrivals])
    assert played.statistics.qoe == 1.0
    assert played.statistics.stalls == 0
    assert played.statistics.buffered_seconds > 30
    slow = Played(steady(20, 1.0, begin=1.0))
    assert slow.statistics.stalls > 10
    assert slow.statistics.qoe < 0.7
    assert {"started", "stalled", "recovered", "finished"} <= {e.kind for e in slow.events}
