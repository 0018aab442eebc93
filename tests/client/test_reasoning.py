"""A block of thinking at the beginning of an answer is told apart, however it is cut."""

import pytest

from andes_client.sources.reasoning import Kind, ThinkSplitter


def split(*deltas: str, inside: bool = False) -> tuple[str, str]:
    """The reasoning and the answer."""
    splitter = ThinkSplitter(inside=inside)
    pieces = [piece for delta in deltas for piece in splitter.feed(delta)] + splitter.flush()
    assert all(text for _, text in pieces)
    kinds: tuple[Kind, Kind] = ("reasoning", "answer")
    reasoning, answer = ("".join(t for k, t in pieces if k == kind) for kind in kinds)
    return reasoning, answer


BLOCKS = [
    ("", "", ""),
    (" \n", "", " \n"),
    ("Hello", "", "Hello"),
    ("<think>why</think>because", "why", "because"),
    ("\n <think>\nwhy\n\nor not\n</think>\n\nbecause\n", "why\n\nor not\n", "because\n"),
    ("<think>why</think>\n\n    code", "why", "    code"),
    ("<think>\n\n</think>\n\nbecause", "", "because"),  # a model that was told not to think
    ("<think></think>", "", ""),
    ("<think>", "", ""),
    ("<think>if a < b </thin", "if a < b </thin", ""),  # never closed
    ("<think>a</think>\n ", "a", ""),
    ("<think>a <think> b</think>c</think>d", "a <think> b", "c</think>d"),
    ("<think>a</think>Say `<think>b</think>`.", "a", "Say `<think>b</think>`."),
    ("<think>a</think>x\n</think>\ny", "a", "x\n</think>\ny"),
    ("Use <think>b</think> here.", "", "Use <think>b</think> here."),
    ("`<think>`", "", "`<think>`"),
    ("```\n<think>b\n</think>\n```", "", "```\n<think>b\n</think>\n```"),
    ("~~~~ a\n```\n~~~\n</think>\n~~~~\n", "", "~~~~ a\n```\n~~~\n</think>\n~~~~\n"),
    ("<thinking>b</thinking>", "", "<thinking>b</thinking>"),
    ("<THINK>b", "", "<THINK>b"),
    ("< think>b", "", "< think>b"),
    ("<thin", "", "<thin"),
    ("a\n</thin", "", "a\n</thin"),
    ("a\n    </think>\nb", "", "a\n    </think>\nb"),  # code, by its indentation
    ("It ends with </think>.\nb", "", "It ends with </think>.\nb"),
]


@pytest.mark.parametrize(("text", "reasoning", "answer"), BLOCKS)
def test_a_block_is_the_same_however_it_was_cut(text: str, reasoning: str, answer: str) -> None:
    assert split(text) == (reasoning, answer)
    assert split(*text) == (reasoning, answer)
    for cut in range(len(text)):
        assert split(text[:cut], text[cut:]) == (reasoning, answer)


UNOPENED = [
    ("so\n</think>\n\nbecause", "so\n", "because"),
    ("</think>because", "", "because"),
    ("```\n</think>\n```\nso\n  </think> because", "```\n</think>\n```\nso\n", " because"),
    ("so\n</think>\n```\n</think>\n```\n", "so\n", "```\n</think>\n```\n"),
]


@pytest.mark.parametrize(("text", "before", "after"), UNOPENED)
def test_a_block_that_the_template_began_is_known_when_it_ends(
    text: str, before: str, after: str
) -> None:
    for deltas in (list(text), [text], [text[:5], text[5:]]):
        splitter = ThinkSplitter()
        reasoning = answer = ""
        for delta in [*deltas, None]:
            known = splitter.unopened
            pieces = splitter.flush() if delta is None else splitter.feed(delta)
            if splitter.unopened and not known:
                reasoning, answer = answer, ""
            reasoning += "".join(piece for kind, piece in pieces if kind == "reasoning")
            answer += "".join(piece for kind, piece in pieces if kind == "answer")
        assert splitter.unopened
        assert (reasoning, answer) == (before, after)


def test_one_who_knows_that_it_begins_inside_says_so() -> None:
    assert split("so\n</think>\n\nbecause", inside=True) == ("so\n", "because")
    assert split("so", inside=True) == ("so", "")
    assert split("<think>so</think>because", inside=True) == ("so", "because")


def test_nothing_is_held_that_is_decided() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>one t") == [("reasoning", "one t")]
    assert splitter.feed("wo </") == [("reasoning", "wo ")]
    assert splitter.feed("b> three</think>Y") == [("reasoning", "</b> three"), ("answer", "Y")]
    assert splitter.feed("es \n<") == [("answer", "es \n<")]
    splitter = ThinkSplitter()
    assert splitter.feed("No. ") == [("answer", "No. ")]
    assert splitter.feed("\n``") == [("answer", "\n")]
    assert splitter.feed("a``") == [("answer", "``a``")]
