"""Where a sentence ends, in the scripts of the world."""

from typing import Final

import regex

from andes_client.segment.scripts import SPACELESS

__all__ = ["HIDDEN", "end_of_sentence", "is_short"]

HIDDEN: Final = "\u2060"
"""What the characters of an escape sequence are to be replaced with: it is looked through."""

# These end a sentence wherever they stand: Devanagari, Urdu, Burmese, Khmer, Amharic, Armenian,
# Arabic, fullwidth and their like. What the Unicode Character Database calls a sentence's end
# has a comma of Burmese in it, and not Tibetan's; two word spaces are Amharic's typed by hand.
_SURE: Final = (
    r"(?:[\p{Sentence_Terminal}\u0f0d-\u0f12\u037e--[\u104a.!?\u2024\uff0e\ufe52]]"
    r"|\u1361{2}|\uff0e(?![\d\uff10-\uff19]))"
)
# These do if white space follows.
_ASCII: Final = r"[.!?\u2026\u2024]"
_CLOSING: Final = rf"(?:[\p{{Pe}}\p{{Pf}}\p{{Pi}}\"'*_~`]|\[\d{{1,3}}\]|{HIDDEN}{{1,1000}}+)"
_CANDIDATE: Final = regex.compile(
    rf"(?V1)(?P<sure>{_SURE}(?:{_SURE}|{_ASCII})*+{_CLOSING}{{0,8}}+)"
    rf"|(?P<mark>{_ASCII}++){_CLOSING}{{0,8}}+(?=\s[\s{HIDDEN}]*+(?P<next>[^\s{HIDDEN}])?|\Z)"
    rf"|[!?]++{_CLOSING}{{0,8}}+(?=[{SPACELESS}])"
    r"|\n"
)
_WORD_BEFORE: Final = regex.compile(r"(?<![\p{L}\p{M}\p{N}.])[\p{L}\p{M}\p{N}.]{1,24}\Z")
_HOUR: Final = regex.compile(r"(?i)(?<![\p{L}\p{M}.])[ap]\.m\Z")
_BEGINNING: Final = regex.compile(r"[\s\p{Ps}\p{Pi}\"'*_#>-]*")

# Short forms that end no sentence, by language, those of English in all: as they are written
# before a name, and before a number. (A letter by itself and what has points inside, such as
# "z.B.", are short forms, too.)
_BEFORE_NAMES: Final = {
    "en": "Mr Mrs Ms Mx Dr dr Prof prof St Rev Hon Gen Col Capt Lt Sgt Gov Sen Rep Messrs "
    "Maj Adm Cmdr Cpl Pvt Amb Supt Insp Mt Ft vs cf approx ca viz Mme Mlle",
    "cs": "např tzv tj resp Ing Mgr sv",
    "da": "Hr hr fru bl evt ca",
    "de": "Hr Hrn Fr Frl bzw evtl ggf inkl exkl sog bes ehem geb Dipl Ing vgl Vgl",
    "el": "κ κα κος βλ π Δρ",
    "es": "Sr Sra Srta Sres Dr Dra Ud Uds Lic Ing Prof",
    "fr": "MM Me Mgr Mlles Mmes env",
    "hi": "डॉ श्री श्रीमती प्रो",
    "it": "Sig Sigg Dott Prof Avv Ing Arch",
    "nl": "dhr mevr mw drs Drs ir Ir bijv",
    "no": "Hr fru bl evt",
    "pl": "np mgr Mgr inż Inż hab ks Ks im tzw",
    "pt": "Sr Sra Srta Dr Dra Prof Profa Exmo",
    "ru": "г гг ул им тов проф акад напр ср см рис стр",
    "sk": "napr tzv tj resp Ing Mgr sv",
    "sv": "bl dvs ev Hr",
    "tr": "örn Örn bkz Bkz vb Sn Doç Av",
    "uk": "р рр вул ім проф акад напр див рис с",
}
_BEFORE_NUMBERS: Final = (
    "no nos nr fig figs vol vols p pp sec ch chap eq eqs art abb tab kap abs bd s núm pág págs "
    "tel ст рис стр гл п"
)
_ALSO_WORDS: Final = "no art s"  # of those, where nobody knows what follows
_MONTHS: Final = "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"  # before a number
_SHORT: Final = {code: frozenset(words.split()) for code, words in _BEFORE_NAMES.items()}
# Languages that write "3. October".
_ORDINAL: Final = "cs da de et fi hr hu is lv no sk sl sr tr"

# After "9 a.m." a capital may begin a sentence, or the name of a day, a month, a zone, a person or
# a place. A sentence is taken to begin with one of these only; what is none goes on.
_BEGINNERS: Final = (
    "a about after all also although an and another any anyone are as at be because before both "
    "but by can could did do does during each either even every everyone everything finally first "
    "for from had has have he her here his how however i if in is it its just last later let maybe "
    "meanwhile most my neither never next no nobody none not nothing now of off on once one only "
    "or our over people perhaps please she should since so some someone something soon still such "
    "suddenly than that the their then there therefore these they this those though through thus "
    "to today together tomorrow tonight two under unless until up was we well were what when "
    "where whether which while who whose why will with without would yes yesterday yet you "
    "your"
)
_WORD_AFTER: Final = regex.compile(
    r"[\p{Ps}\p{Pi}\"'*_]*+(?P<word>[\p{L}\p{M}]++)(?:['\u2019](?P<ending>\p{L}*+))?+"
)


def end_of_sentence(text: str, language_code: str = "en") -> int | None:
    """The length of the first sentence in `text`, with its closing quotes and brackets.

    None if it is not over, or if only what comes next can tell: whether a point ends a
    sentence or shortens a word is seen from the word after it. Where that is not certain, as
    after `9 a.m.`, the sentence goes on. A line break ends one, too.

    Args:
        text: what is pending, never empty.
        language_code: ISO 639-1 code, for the short forms of words.
    """
    if language_code == "el":
        text = text.replace(";", "\u037e")  # a question mark, which looks the same
    start = _BEGINNING.match(text)
    for match in _CANDIDATE.finditer(text, start.end() if start else 0):
        if match.end() == len(text):
            return None  # a closing quote may follow
        if match["mark"] is None:
            return int(match.end())
        following = match["next"]
        if following is None:
            return None
        if following.islower():
            continue
        if match["mark"] != ".":
            return int(match.end())
        before = text[: match.start()]
        if _HOUR.search(before[-25:]):
            if (begins := _begins(text, match.start("next"), language_code)) is None:
                return None
        else:
            begins = not _is_short(before, following, language_code)
        if begins:
            return int(match.end())
    return None


def is_short(word: str, language_code: str = "en") -> bool:
    """Whether a point after `word` shortens it, whatever follows: `Dr`, `e.g`, an initial.

    Args:
        word: without that point; up to 25 characters of it count.
        language_code: ISO 639-1 code, for the short forms of words.
    """
    return _is_short(word, "A", language_code) or (
        word.casefold() in _BEFORE_NUMBERS.split() and word.casefold() not in _ALSO_WORDS.split()
    )


def _begins(text: str, start: int, language_code: str) -> bool | None:
    """Whether a sentence begins there, after the hour of a day; None if its word is not whole."""
    match = _WORD_AFTER.match(text, start, partial=True)
    if match is None:
        return False
    if match.partial or match.end() == len(text):
        return None
    word = match["word"]
    if not word[0].isupper() or (word.isupper() and len(word) > 1):
        return False  # the zone of a time, such as GMT
    if language_code != "en":
        return True  # days and months are written small there, or there are no such hours
    return word.lower() in _BEGINNERS.split() or match["ending"] == "t"


def _is_short(before: str, following: str, language_code: str) -> bool:
    """Whether the point between them shortens a word."""
    match = _WORD_BEFORE.search(before[-25:])
    if match is None:
        return False
    word = match[0]
    if word.isdigit():
        begins = _BEGINNING.fullmatch(before[: -len(word)]) is not None
        return (len(word) <= 3 and begins) or (len(word) <= 2 and language_code in _ORDINAL.split())
    if word.casefold() in _BEFORE_NUMBERS.split() and following.isdigit():
        return True
    if word in _MONTHS.split() and following.isdigit():
        return True
    if "." in word:
        return all(part.isalpha() and len(part) <= 2 for part in word.split("."))
    if len(word) == 1:
        return word != "I" and word.lower() != word.upper()
    return word in _SHORT["en"] or word in _SHORT.get(language_code, ())
