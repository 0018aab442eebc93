import functools

import anyio
import pytest
from andes_demos.recorded_words import RecordedWords
from andes_demos.scenarios.measures import Comparison, Side
from andes_demos.scenarios.reader import Expected
from andes_demos.scenarios.stream import Clock, compare

from andes_client import Expectation, Paced, Unit
from andes_client.expectation import TOKENS_PER_WORD
from andes_client.testing import scripted

FIVE_WORDS_A_SECOND = Expectation(ttft=1.0, tds=5 * TOKENS_PER_WORD)


def shown(*pieces: tuple[float, str]) -> Side:
    side = Side(FIVE_WORDS_A_SECOND)
    for time, text in pieces:
        side.show(text, time)
    return side


class TestSide:
    def test_a_word_appears_with_its_first_letter(self) -> None:
        side = shown((1.0, "Un"), (2.0, "believ"), (2.1, ""), (3.0, "able, he"), (4.0, " said\n"))
        assert side.words == [1.0, 3.0, 4.0]
        assert side.text == "Unbelievable, he said\n"

    def test_white_space_at_the_end_of_a_piece_parts_words_too(self) -> None:
        assert shown((1.0, "One "), (2.0, "two"), (3.0, " "), (4.0, "three")).words == [1, 2, 4]

    def test_speed_is_of_the_last_second(self) -> None:
        side = shown((1.0, "a b"), (1.5, " c"), (2.2, " d"))
        assert [side.speed(now) for now in (2.2, 2.4, 2.6, 3.2)] == [2, 2, 1, 0]

    def test_the_fastest_is_the_most_within_a_second(self) -> None:
        assert shown().fastest == 0
        assert shown((3.0, "a b c d")).fastest == 4
        steady = shown(*((i / 4, " word") for i in range(20)))
        assert steady.fastest == 4
        burst = shown((0.0, "a"), (5.0, " b"), *((5 + i / 40, " word") for i in range(1, 60)))
        assert burst.fastest == pytest.approx(40, abs=1)

    def test_each_word_has_its_place_in_the_text(self) -> None:
        side = shown((1.0, "Un"), (2.0, "believ"), (3.0, "able, he"), (4.0, " said\n"))
        assert [side.text[start:][:2] for start in side.starts] == ["Un", "he", "sa"]

    def test_a_silence_counts_while_it_lasts(self) -> None:
        side = shown((3.0, "a"), (3.5, " b"), (7.5, " c"))
        assert (side.silence(8.0), side.longest_silence(8.0)) == (0.5, 4.0)
        assert (side.silence(13.0), side.longest_silence(13.0)) == (5.5, 5.5)
        side.ended = True
        assert (side.silence(13.0), side.longest_silence(13.0)) == (0.0, 4.0)

    def test_the_wait_for_the_first_word_is_a_silence(self) -> None:
        side = shown((10.0, "a"), (10.5, " b"))
        assert side.longest_silence(11.0) == 10.0
        assert shown().longest_silence(7.0) == shown().silence(7.0) == 7.0

    def test_a_silence_that_was_asked_for_does_not_count(self) -> None:
        side = shown((1.0, "a"))
        side.pause(1.5)
        assert side.silence(60.0) == 0.5
        side.resume(61.5)
        side.show(" b", 62.0)
        assert side.longest_silence(62.0) == 1.0

    def test_words_are_counted_by_the_second(self) -> None:
        assert shown((0.5, "a b"), (2.0, " c")).words_each_second(3.4) == [2, 0, 1, 0]


class TestExpected:
    def test_words_are_expected_from_the_first_on_at_the_readers_speed(self) -> None:
        expected = Expected(FIVE_WORDS_A_SECOND)
        assert [expected.words(now) for now in (0.5, 1.0, 3.0)] == pytest.approx([0, 0, 10])

    def test_another_speed_holds_from_then_on(self) -> None:
        expected = Expected(FIVE_WORDS_A_SECOND)
        expected.change_speed(10 * TOKENS_PER_WORD, 3.0)
        assert [expected.words(now) for now in (2.0, 3.0, 4.0)] == pytest.approx([5, 10, 20])

    def test_before_the_first_word_is_due_only_the_speed_changes(self) -> None:
        expected = Expected(FIVE_WORDS_A_SECOND)
        expected.change_speed(10 * TOKENS_PER_WORD, 0.5)
        assert [expected.words(now) for now in (1.0, 2.0)] == pytest.approx([0, 10])

    @pytest.mark.parametrize(("since", "until", "then"), [(2.0, 12.0, 5.0), (0.5, 10.5, 0.0)])
    def test_nothing_is_expected_in_a_pause(self, since: float, until: float, then: float) -> None:
        expected = Expected(FIVE_WORDS_A_SECOND)
        expected.pause(since)
        assert expected.words(8.0) == pytest.approx(then)
        expected.resume(until)
        assert expected.words(12.0) == pytest.approx(5.0)
        assert expected.words(13.0) == pytest.approx(10.0)
        assert expected.words(since) == pytest.approx(then)


WORD = Unit(" word", TOKENS_PER_WORD)


class TestComparison:
    def test_both_readers_are_judged_by_the_same_words(self) -> None:
        """Of a burst, the raw reader too has got only as far as they can read."""
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        raw, paced = comparison.raw.reader, comparison.paced.reader
        for i in range(10):
            comparison.arrived(WORD, 3.0)
            comparison.released(WORD, 3.0 + i / 5)
            assert raw.qoe(3.0 + i / 5 + 0.1) == pytest.approx(paced.qoe(3.0 + i / 5 + 0.1))
            assert raw.words_read == paced.words_read == i + 1
        assert 0.0 < paced.qoe(9.0) < 1.0

    def test_a_late_release_costs_the_paced_side_only(self) -> None:
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        for _ in range(2):
            comparison.arrived(WORD, 1.0)
        comparison.released(WORD, 1.0)
        comparison.released(WORD, 3.0)
        assert comparison.raw.reader.qoe(9.0) == 1.0
        assert comparison.paced.reader.qoe(9.0) < 1.0

    def test_what_is_ahead_is_what_is_left_to_read(self) -> None:
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        assert comparison.ahead_s(2.0) == 0.0
        for _ in range(10):
            comparison.arrived(WORD, 3.0)
        assert comparison.ahead_s(3.5) == pytest.approx(1.5)
        comparison.change_speed(10 * TOKENS_PER_WORD, 3.5)
        assert comparison.ahead_s(3.5) == pytest.approx(0.8)  # half, but for the word under way
        comparison.pause(3.6)
        assert comparison.ahead_s(60.0) == pytest.approx(0.7)
        comparison.resume(60.0)
        assert comparison.ahead_s(61.0) == 0.0

    def test_words_that_had_come_by_a_moment(self) -> None:
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        for now in (1.0, 2.0, 2.0):
            comparison.arrived(WORD, now)
        words = [comparison.raw.reader.words(now) for now in (0.9, 1.0, 1.9, 2.0, 9.0)]
        assert words == pytest.approx([0, 1, 1, 3, 3])


@pytest.mark.anyio
@pytest.mark.parametrize("text_s", [0.0, 0.1, 0.5])
async def test_speeds_and_pauses_count_as_the_pacer_counts_them(text_s: float) -> None:
    """But for the word under way at a change, to which the pacer gives the new speed at once."""
    clock, both = Clock(), Comparison(FIVE_WORDS_A_SECOND)
    pacers: list[Paced | None] = []

    async def fiddle() -> None:
        pacer = next(one for one in pacers if one is not None)
        await anyio.sleep(7.03)
        for tds in (9 * TOKENS_PER_WORD, 2 * TOKENS_PER_WORD):
            both.change_speed(tds, clock.now())
            pacer.speed(tds / FIVE_WORDS_A_SECOND.tds)
            await anyio.sleep(1.71)
        both.pause(clock.now())
        pacer.pause()
        await anyio.sleep(20.0)
        both.resume(clock.now())
        pacer.resume()

    async with anyio.create_task_group() as tasks:
        script = [(2.0, "First"), *((text_s, f" word{i}") for i in range(60))]
        tasks.start_soon(
            functools.partial(compare, both, scripted(script), clock, take_controls=pacers.append)
        )
        await anyio.sleep(0.0)
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(fiddle)
    (pacer,) = (one for one in pacers if one is not None)
    qoe = pacer.statistics().qoe
    assert 0.0 < qoe < 1.0
    assert both.paced.reader.qoe(clock.now()) == pytest.approx(qoe, abs=0.02)
    assert both.raw.reader.qoe(clock.now()) == pytest.approx(qoe, abs=0.02)


def test_recorded_words_keep_the_order_of_release() -> None:
    arrived: list[Unit] = []
    words = RecordedWords(arrived.append)
    words.decode("One tw")
    fragment = words.fragment()
    words.decode("o three ")
    words.flush()
    assert [unit.text for unit in words.coming] == ["One", " tw", "o", " three", " "]
    assert fragment == words.coming[1]
    assert [unit.text for unit in arrived] == ["One", " tw", "o", " three", " "]
    assert words.fragment() is None
    assert len(words.coming) == 5
