"""How often text that was shown of a Markdown answer is taken back: the guard, none, and remend.

    python benchmarks/flashes.py
    npm install --prefix /tmp/remend remend@1.4.0
    python benchmarks/flashes.py --remend /tmp/remend

The texts are those of tests/client/markdown_corpus.py, each cut in three ways, from a server that
is faster than its reader and from one that is slower. Every prefix that the reader is shown is
rendered by markdown-it-py; tests/client/flashes.py says what a flash is. All moments are computed,
so the figures are the same on every machine.

"No guard" is the text word by word as it is; remend (the part of Vercel's Streamdown that closes
what is open) mends each of these prefixes before it is rendered. QoE is of the words that are
seen, the lowest of all texts against no guard; remend changes nothing about when text is shown.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from table import print_table

_ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(_ROOT))

from andes_client.markdown import MarkdownGuard  # noqa: E402, found through the line above
from andes_client.segment import Segmenter, Words  # noqa: E402
from tests.client.flashes import Flash, flashes  # noqa: E402
from tests.client.markdown_corpus import TEXTS  # noqa: E402
from tests.client.showing import CUTS, FAST, SLOW, Server, cut, seen_qoe, show  # noqa: E402

__all__ = ["main"]

_SERIOUS: Final = {"heading", "list", "table", "link", "code"}

Mend = Callable[[list[str]], list[str]]


def main() -> None:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--remend", type=Path, metavar="DIR", help="where npm has installed it")
    parser.add_argument("--texts", type=int, metavar="N", help="only the first so many")
    arguments = parser.parse_args()
    texts = list(TEXTS.values())[: arguments.texts]
    rows = [
        row
        for name, server in (("fast", FAST), ("slow", SLOW))
        for row in _rows(name, server, texts, arguments.remend)
    ]
    print_table(
        f"Flashes over {len(texts)} texts, each cut in {len(CUTS)} ways",
        ("server", "", "flashes", "in blocks, links, code", "longest hold", "QoE, lowest"),
        rows,
    )


def _rows(
    name: str, server: Server, texts: list[str], remend: Path | None
) -> Iterator[tuple[str, ...]]:
    ways: list[tuple[str, Callable[[], Segmenter], Mend]] = [
        ("no guard", Words, lambda prefixes: prefixes)
    ]
    if remend is not None:
        ways.append(("remend", Words, lambda prefixes: _mended(prefixes, remend)))
    ways.append(("the guard", lambda: MarkdownGuard(Words()), lambda prefixes: prefixes))
    for way, segmenter, mend in ways:
        found, longest, lowest = list[Flash](), 0.0, 1.0
        for text in texts:
            for pieces in (cut(text, each) for each in CUTS):
                showing = show(pieces, server, segmenter())
                found += flashes(mend(showing.prefixes))
                plain = seen_qoe(show(pieces, server, Words()), server)
                longest = max(longest, showing.longest_hold)
                lowest = min(lowest, seen_qoe(showing, server) / plain)
        serious = sum(1 for one in found if one.where & _SERIOUS)
        yield (name, way, str(len(found)), str(serious), f"{longest:.2f} s", f"{lowest:.3f}")


def _mended(prefixes: list[str], folder: Path) -> list[str]:
    """The prefixes as remend has them."""
    script = folder / "remend.mjs"  # a module finds packages from where it lies
    script.write_text((Path(__file__).parent / "remend.mjs").read_text())
    out = subprocess.run(
        ["node", str(script)],
        input=json.dumps(prefixes),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    mended: list[str] = json.loads(out.stdout)
    return mended


if __name__ == "__main__":
    main()
