"""The pace asked for is the pace given, in words as ICU counts them."""

import json
import shutil
import subprocess
from functools import partial

import pytest

from andes_client import reading
from andes_client.testing import run_virtual, trace
from tests.client.prose import ICU, PROSE

# IReST counts longer words in Japanese than ICU does (1.85 characters, against 1.58 here).
COUNTED_OTHERWISE = {"ja"}
COUNT = """
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
const words = (code) => new Intl.Segmenter(code, {granularity: "word"});
const count = ([code, text]) =>
  [code, [...words(code).segment(text)].filter((piece) => piece.isWordLike).length];
const counts = Object.fromEntries(Object.entries(texts).map(count));
console.log(JSON.stringify({icu: process.versions.icu, counts}));
"""


def words_a_minute(code: str, language: str | None) -> float:
    """How fast our prose is released to a reader of 240 words a minute."""
    words, text = PROSE[code]
    pacing = partial(trace, language=language or "en")
    moments = run_virtual(pacing, [(0.0, text)], reading(wpm=240)).releases
    # The last unit takes its time, too: the mean of the others.
    return words / (moments[-1] / 60 * (1 + 1 / len(moments)))


@pytest.mark.parametrize("code", sorted(PROSE.keys() - COUNTED_OTHERWISE))
def test_the_pace_asked_for_is_the_pace_given(code: str) -> None:
    assert PROSE[code].words >= 100
    assert words_a_minute(code, code) == pytest.approx(240, rel=0.05)


@pytest.mark.parametrize("code", ["th", "lo", "km", "my", "bo", "zh", "ko", "hi", "ar", "ru", "el"])
def test_a_script_tells_the_pace_where_nobody_names_the_language(code: str) -> None:
    assert words_a_minute(code, None) == pytest.approx(240, rel=0.05)


def test_icu_counts_as_many_words() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node to count words with")
    texts = json.dumps({code: prose.text for code, prose in PROSE.items()})
    out = subprocess.run([node, "-e", COUNT], input=texts, capture_output=True, text=True).stdout
    found = json.loads(out)
    if found["icu"] != ICU:
        pytest.skip(f"this Node has ICU {found['icu']}, and we counted with {ICU}")
    assert found["counts"] == {code: prose.words for code, prose in PROSE.items()}
