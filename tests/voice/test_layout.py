"""Where words lie in audio, by themselves: no clock, no player."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.voice import Spoken
from andes_client.voice.layout import Known, Layout
from andes_client.voice.tempo import Cost, Tempo

COSTS = st.lists(
    st.builds(Cost, st.sampled_from([0.0, 0.2, 0.5]), st.sampled_from([0.0, 0.0, 0.4])), min_size=1
)


@given(
    costs=COSTS,
    named=st.dictionaries(st.integers(0, 9), st.floats(0, 9)),
    gaps=st.lists(st.tuples(st.floats(0, 2), st.floats(0.12, 1)), max_size=9),
    more=st.floats(0, 9),
    has_ended=st.booleans(),
)
def test_words_follow_each_other_within_the_audio(
    costs: list[Cost],
    named: dict[int, float],
    gaps: list[tuple[float, float]],
    more: float,
    has_ended: bool,
) -> None:
    layout, at, silences = Layout(costs, Tempo()), 0.0, list[tuple[float, float]]()
    for after, lasts in gaps:
        silences.append((at + after, at + after + lasts))
        at += after + lasts
    for number, seconds in named.items():
        if number < len(costs):
            layout.name(number, seconds)
    known = Known(at + more, has_ended, silences)
    spans = [layout.span(number, known) for number in range(len(costs))]
    before = 0.0
    for (start, end), cost in zip(spans, costs, strict=True):
        assert start <= end
        if cost.sound:
            assert before <= start + 1e-9
            before = start
    if has_ended:
        assert max(end for _, end in spans) <= at + more + 1e-9


@given(costs=COSTS, gaps=st.lists(st.tuples(st.floats(0.1, 2), st.floats(0.12, 1)), max_size=9))
def test_whoever_looks_at_each_silence_sees_in_the_end_what_one_sees_who_looks_once(
    costs: list[Cost], gaps: list[tuple[float, float]]
) -> None:
    often, once, at = Layout(costs, Tempo()), Layout(costs, Tempo()), 0.0
    silences = list[tuple[float, float]]()
    for after, lasts in gaps:
        silences.append((at + after, at + after + lasts))
        at += after + lasts
        often.span(0, Known(at, False, silences))
    for has_ended in (False, True):
        known = Known(at + 1.0, has_ended, silences)
        for number in range(len(costs)):
            assert often.span(number, known) == once.span(number, known)


def test_a_named_word_is_where_it_is_named_though_it_makes_no_sound() -> None:
    layout = Layout([Cost(0.5, 0.0), Cost(0.0, 0.0), Cost(0.5, 0.0)], Tempo())
    layout.name(1, 0.7)
    assert layout.span(1, Known(2.0, True)) == (0.7, 0.7)


def test_an_answer_that_is_one_utterance_costs_the_same_for_each_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long it is, and whether the voice names its words or is listened to."""
    looks, seconds = 0, Tempo.seconds

    def counted(tempo: Tempo, cost: Cost) -> float:
        nonlocal looks
        looks += 1
        return seconds(tempo, cost)

    monkeypatch.setattr(Tempo, "seconds", counted)
    for is_named in (True, False):
        per_word = []
        for count in (100, 1_000):
            looks, at = 0, 0.0
            spoken = Spoken(lambda: at)  # noqa: B023  # asked at once
            utterance = spoken.add("word, " * count)
            for number in range(count):
                if is_named:
                    utterance.mark(0.5 * number, 6 * number)
                utterance.hear((b"\0\x40" * 35 + bytes(30)) * 50, 5_000)
                at = 0.5 * number
                spoken._poll()
            per_word.append(looks / count)
        assert per_word[1] < 2 * per_word[0]


@pytest.mark.parametrize(
    ("text", "word", "place"),
    [
        ("There is the one", "the", 9),
        ("Art's artist, an art", "art", 0),
        ("an artist's art", "art", 12),
        ("a cat", "cat", 2),
        ("unbelievable", "believable", 2),  # a voice that names parts of words
        ("\u732b\u548c\u72d7", "\u72d7", 2),
        ("In 1984: 84 of them", "84", 9),
    ],
)
def test_a_word_that_stands_by_itself_is_meant_rather_than_a_part(
    text: str, word: str, place: int
) -> None:
    utterance = Spoken(lambda: 0.0).add(text)
    assert utterance._find(word) == place
