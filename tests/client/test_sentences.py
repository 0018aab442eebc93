"""Where sentences end, in many scripts; and what does not end one."""

import re
from collections.abc import Callable
from functools import partial

import anyio
import pytest
import regex

from andes_client import Expectation, pace, pace_blocking
from andes_client.segment import UnitKind, segmenter
from andes_client.testing import run_virtual, scripted, trace

ONE_A_SECOND = Expectation(1.0, 4 / 3)


def units(kind: UnitKind, deltas: list[str], language: str = "en") -> list[str]:
    splitter = segmenter(kind, language)
    out = [unit.text for delta in deltas for unit in splitter.decode(delta)]
    return out + [unit.text for unit in splitter.flush()]


# `|` parts the sentences.
SENTENCES = [
    ("hi", "यह घर है।| वह बाग़ है।| क्या?| हाँ!"),
    ("hi", "यह घर है।|वह बाग़ है॥| डॉ. शर्मा आए।"),
    ("ne", "यो घर हो।| त्यो बगैंचा हो।"),
    ("bn", "এটা বাড়ি।| ওটা বাগান।"),
    ("ur", "یہ گھر ہے۔| وہ باغ ہے؟| ہاں۔"),
    ("my", "နေကောင်းလား။| ကောင်းပါတယ်၊ ကျေးဇူး။"),
    ("km", "គាត់មក។| ខ្ញុំទៅ។|គាត់ទៅ៕"),
    ("am", "ደህና ነኝ።| አንተስ፧| ደህና፡፡| እሺ"),
    ("hy", "Բարև։| Ինչպե՞ս ես։| Լավ։"),
    ("ar", "كيف حالك؟| أنا بخير.| وأنت؟"),
    ("fa", "حالت چطوره؟| خوبم."),
    ("zh", "你好．|再见！|真的？！|是。|「好。」|走"),
    ("zh", "圆周率是３．１４。|对｡|好"),
    ("ja", "「はい。」|と言った。|そう！？|ええ"),
    ("zh", "OK!|然后走吧?|好"),
    ("bo", "བཀྲ་ཤིས།| བདེ་ལེགས༎| ཡིན།"),
    ("el", "Τι κάνεις;| Καλά."),
    ("fr", "M. Dupont et Mme. Durand\u202f?| Oui\u202f!| Non."),
    ("es", "¿Sra. Gómez?| ¡Sí!| Vale."),
    ("de", "Am 3. Oktober kam Hr. Müller z. B. nach Bonn.| Er ging um 5 Uhr.| Schluss."),
    ("ru", "Он жил в г. Москве, т. е. в столице.| Потом уехал."),
    ("cs", "Přišel např. v 8. hodině.| Pak odešel."),
    ("en", "Dr. Smith paid 3.5 % at 9 a.m."),
    ("en", "Dr. Smith paid 3.5 % at 9 a.m.| The bank was open."),
    ("en", "The train left at 9 a.m. Monday.| It was late."),
    ("en", "It opens at 10 p.m. October 3, not at 9:30 a.m. EST or 7a.m. Eastern.| See?"),
    ("en", "At 8 p.m. Smith rang; at 9 P.M. Paris time, “Jo” did.| Good."),
    ("en", "It is 5 a.m.| It's early.| Come at 6 p.m.| Don’t wait.| Not at 7 a.m.| I sleep."),
    ("en", "He came at 9 a.m.| (The bank was open.)| Until 4 p.m.| “We” stayed, i.e. Ann and I."),
    ("en", "At 9 a.m. breakfast, at 1 p.m. 20 guests, at 8 p.m.| **But** no dinner."),
    ("en", "Take e.g. Paris, i.e. France, or cf. Rome.| Dr. Jo saw Mt. Etna on Jan. 5, Oct. 12."),
    ("en", "It rained in Mar. 2024 and in Sept. 2025.| Then in Dec.| No more."),
    ("es", "Llega a las 9 a.m.| El tren sale a las 10 p.m.| Vamos.| A las 8 p.m. GMT."),
    ("en", "Mrs. J. R. Jones of the U.S. Army vs. Mr. Brown, etc.| The end."),
    ("en", "No.| I do not.| See No. 5, p. 3, Fig. 2.| It cost 20.| So do I.| Good."),
    ("en", "See example.com.| Then v1.2.| It has 3.5 GB e.g. of text."),
    ("en", 'He said "Stop!" and left.| (Really?)| Yes...| But no.| Well…| I think.'),
    ("en", "**Stop.**| _Go._| `a.b` is ok.[1]| Done."),
    ("en", "1. First item\n|2. Second item\n|   10. Third item"),
    ("en", "One.|\n\nTwo\n|Three"),
]


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_sentences_end_where_they_end(language: str, text: str) -> None:
    expected, whole = text.split("|"), text.replace("|", "")
    assert units("sentence", [whole], language) == expected
    assert units("sentence", list(whole), language) == expected
    assert (
        units("sentence", [whole[i : i + 5] for i in range(0, len(whole), 5)], language) == expected
    )


def test_a_language_with_a_region_has_its_short_forms() -> None:
    assert units("sentence", ["Sra. Lima chegou. Oi."], "pt-BR") == ["Sra. Lima chegou.", " Oi."]


SLOW = [(0.0, "The train leaves "), (3.0, "at noo"), (3.0, "n. Be th"), (3.0, "ere.")]


@pytest.mark.parametrize("unit", ["sentence", "line", "word", re.compile(r"\.\s")], ids=str)
def test_a_program_gets_whole_units_however_slowly_they_come(unit: UnitKind) -> None:
    async def given() -> list[str]:
        async with pace(scripted(SLOW), Expectation.program(), unit=unit) as paced:
            return [text async for text in paced]

    whole = "".join(text for _, text in SLOW)
    assert run_virtual(given) == units(unit, [whole])


def test_so_does_a_program_without_an_event_loop() -> None:
    texts = [text for _, text in SLOW]
    with pace_blocking(iter(texts), Expectation.program(), unit="sentence") as paced:
        assert list(paced) == ["The train leaves at noon.", " Be there."]


def test_a_person_gets_the_beginning_of_a_sentence_after_a_second_and_at_a_word() -> None:
    async def given() -> list[tuple[float, str]]:
        words = []
        async with pace(scripted(SLOW), Expectation(1.0, 4.0), unit="sentence") as paced:
            async for text in paced:
                words.append((round(anyio.current_time(), 2), text))
        return words

    start, *_ = released = run_virtual(given)
    shown = [(round(at - start[0] + 1.0, 2), text) for at, text in released]
    assert [text for _, text in shown] == ["The train leaves", " at", " noon.", " Be", " there."]
    assert [at for at, _ in shown][:2] == [1.0, 4.0]


def test_a_sentence_that_is_over_in_time_is_not_given_up() -> None:
    script = [(0.0, "The tra"), (0.4, "in leaves "), (0.4, "now. "), (0.1, "Be there.")]
    recorded = run_virtual(partial(trace, unit="sentence"), script, ONE_A_SECOND)
    released = [entry.text for entry in recorded if entry.kind == "release"]
    assert released == ["The train leaves now.", " Be there."]
    assert recorded.releases[0] == pytest.approx(0.9)


@pytest.mark.parametrize("compiled", [re.compile, regex.compile])
@pytest.mark.parametrize(
    ("pattern", "deltas", "expected"),
    [
        (r"\d+", ["12", "34", " a"], ["1234", " a"]),
        (r",\s*", ["a,", " ", " b,c"], ["a,  ", "b,", "c"]),
        (r"\n+", ["a\n", "\nb\n"], ["a\n\n", "b\n"]),
        (r"[.!?]+", ["Well.", "..", " Yes?!", " No"], ["Well...", " Yes?!", " No"]),
    ],
)
def test_a_match_that_touches_the_end_waits_for_more(
    compiled: Callable[[str], re.Pattern[str]], pattern: str, deltas: list[str], expected: list[str]
) -> None:
    assert units(compiled(pattern), deltas) == expected
    assert units(compiled(pattern), list("".join(deltas))) == expected


def test_so_does_one_that_the_next_text_makes_longer() -> None:
    stop = re.compile(r"(?i)stop(ped)?")
    assert units(stop, ["Stop", "ped now stop"]) == ["Stopped", " now stop"]


@pytest.mark.parametrize("compiled", [re.compile, regex.compile])
@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "x*",
        "a?",
        r"\b",
        r"(?=,)",
        "(?=foo)",
        r"(?<=\.)",
        "^",
        "$",
        r"\Z",
        "(,|)",
        r"(?m)^",
        "(?=[Ж漢])",
    ],
)
def test_a_pattern_that_can_match_nothing_is_refused(
    compiled: Callable[[str], re.Pattern[str]], pattern: str
) -> None:
    with pytest.raises(ValueError, match="can match nothing, so it ends no unit; it must match at"):
        pace_blocking([], ONE_A_SECOND, unit=compiled(pattern))
    with pytest.raises(ValueError, match="as with \\+ in the place of \\*"):
        segmenter(compiled(pattern))


def test_a_pattern_for_bytes_is_refused() -> None:
    with pytest.raises(TypeError, match="a pattern for text, not for bytes"):
        segmenter(re.compile(rb"\n"))  # type: ignore[arg-type]


def test_a_match_of_nothing_that_nobody_foresaw_does_not_stop_the_text() -> None:
    """Where only what comes shows that a pattern can match nothing."""
    odd = re.compile(r",|(?<=qZ7)(?=%)|(?=\Aq{9}w)")
    assert units(odd, ["qqqqqqqqqw, b,c"]) == ["qqqqqqqqqw,", " b,", "c"]
