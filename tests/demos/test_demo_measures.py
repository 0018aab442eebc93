import pytest

from andes_client import Expectation, Unit
from andes_client.expectation import TOKENS_PER_WORD
from demos.measures import Comparison, RecordedWords, Side

FIVE_WORDS_A_SECOND = Expectation(ttft=1.0, tds=5 * TOKENS_PER_WORD)


def shown(*pieces: tuple[float, str]) -> Side:
    side = Side()
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

    def test_the_fastest_stretch_is_at_least_a_second_long(self) -> None:
        assert shown((3.0, "a b c d")).fastest == 0.0
        steady = shown(*((i / 5, " word") for i in range(20)))
        assert steady.fastest == pytest.approx(5.0)
        burst = shown((0.0, "a"), (5.0, " b"), *((5 + i / 40, " word") for i in range(1, 60)))
        assert burst.fastest == pytest.approx(40.0)

    def test_a_silence_counts_while_it_lasts(self) -> None:
        side = shown((3.0, "a"), (3.5, " b"), (7.5, " c"))
        assert (side.silence(8.0), side.longest_silence(8.0)) == (0.5, 4.0)
        assert (side.silence(13.0), side.longest_silence(13.0)) == (5.5, 5.5)
        side.ended = True
        assert (side.silence(13.0), side.longest_silence(13.0)) == (0.0, 4.0)

    def test_the_wait_for_the_first_word_is_no_silence(self) -> None:
        assert Side().longest_silence(100.0) == 0.0
        assert shown((100.0, "a")).longest_silence(100.0) == 0.0

    def test_words_are_counted_by_the_second(self) -> None:
        assert shown((0.5, "a b"), (2.0, " c")).words_each_second(3.4) == [2, 0, 1, 0]


class TestComparison:
    def test_both_readers_are_judged_by_the_same_words(self) -> None:
        """Of a burst, the raw reader too has got only as far as they can read."""
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        for i in range(10):
            comparison.arrived(Unit(" word", TOKENS_PER_WORD), 3.0)
            comparison.released(Unit(" word", TOKENS_PER_WORD), 3.0 + i / 5)
            assert comparison.qoe_raw(3.0 + i / 5 + 0.1) == pytest.approx(comparison.qoe_paced())
        assert 0.0 < comparison.qoe_paced() < 1.0

    def test_a_late_release_costs_the_paced_side_only(self) -> None:
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        for _ in range(2):
            comparison.arrived(Unit(" word", TOKENS_PER_WORD), 1.0)
        comparison.released(Unit(" word", TOKENS_PER_WORD), 1.0)
        comparison.released(Unit(" word", TOKENS_PER_WORD), 3.0)
        assert comparison.qoe_raw(9.0) == 1.0
        assert comparison.qoe_paced() < 1.0

    def test_the_buffer_is_what_is_left_to_read(self) -> None:
        comparison = Comparison(FIVE_WORDS_A_SECOND)
        assert comparison.buffered_seconds(2.0) == 0.0
        for _ in range(10):
            comparison.arrived(Unit(" word", TOKENS_PER_WORD), 3.0)
        assert comparison.buffered_seconds(3.5) == pytest.approx(1.5)
        assert comparison.buffered_seconds(60.0) == 0.0


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
