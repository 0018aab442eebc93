import pytest
from hypothesis import given
from hypothesis import strategies as st

from andes_client.segment import Segmenter, Tokens, Words

CHUNKS = st.lists(st.text(alphabet=st.sampled_from("ab .\n\té漢👩🏽‍🚀")) | st.text())


@pytest.mark.parametrize("make", [Words, Tokens])
@given(chunks=CHUNKS, fragment_after=st.integers(0, 20))
def test_nothing_is_lost_or_changed(
    make: type[Segmenter], chunks: list[str], fragment_after: int
) -> None:
    segmenter, out = make(), ""
    for index, chunk in enumerate(chunks):
        out += "".join(unit.text for unit in segmenter.decode(chunk))
        if index == fragment_after and (fragment := segmenter.fragment()):
            out += fragment.text
    out += "".join(unit.text for unit in segmenter.flush())
    assert out == "".join(chunks)


@given(chunks=CHUNKS)
def test_words_do_not_depend_on_how_the_text_was_cut(chunks: list[str]) -> None:
    def units(parts: list[str]) -> list[str]:
        words = Words()
        decoded = [unit.text for part in parts for unit in words.decode(part)]
        return decoded + [unit.text for unit in words.flush()]

    assert units(chunks) == units(["".join(chunks)])


def test_white_space_goes_with_the_word_that_follows() -> None:
    words = Words()
    assert [u.text for u in words.decode("One two,\n\nthree")] == ["One", " two,"]
    assert [u.text for u in words.decode(" ")] == ["\n\nthree"]
    assert [u.text for u in words.flush()] == [" "]


def test_only_words_take_time_to_read() -> None:
    words = Words()
    costs = [unit.cost for unit in words.decode("a b ") + words.flush()]
    assert costs == [pytest.approx(4 / 3), pytest.approx(4 / 3), 0.0]


def test_a_fragment_is_free_and_its_rest_pays() -> None:
    words = Words()
    words.decode("unbeliev")
    fragment = words.fragment()
    assert fragment is not None
    assert (fragment.text, fragment.cost) == ("unbeliev", 0.0)
    assert words.fragment() is None
    (rest,) = words.decode("able ")
    assert rest.text == "able"
    assert rest.cost > 0


def test_white_space_alone_is_no_fragment() -> None:
    words = Words()
    words.decode("a \n")
    assert words.fragment() is None
    assert [u.text for u in words.flush()] == [" \n"]


def test_text_without_spaces_is_cut_rather_than_waited_for() -> None:
    words = Words()
    assert [len(unit.text) for unit in words.decode("x" * 60)] == [24, 24]


def test_hostile_white_space_does_not_pile_up() -> None:
    """What is pending stays short, so that each new piece is taken in at the same cost."""
    words = Words()
    units = [unit for _ in range(5_000) for unit in words.decode(" ")]
    assert 5_000 - 32 <= sum(len(unit.text) for unit in units) <= 5_000
