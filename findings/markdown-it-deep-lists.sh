#!/usr/bin/env bash
# markdown-it-py 4.3.0, in its presets "commonmark" and "gfm-like" (Rich uses the first, Textual the
# second).
#
# Expected:  an item of a list is rendered however deep the list is, or something says that it is not.
# Happens:   text below 20 levels of blocks is left out without a word. A list takes two levels, so
#            from the tenth list inside another on, every item is lost. The preset "default", which
#            has the same limit at 100, renders them.
# Ours:      demos/andes_demos/chat/parser.py shows deeper blocks as they were written, instead.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
  markdown-it-py==4.3.0 linkify-it-py==2.2.0

"$place/venv/bin/python" - <<'PROGRAM'
import sys

from markdown_it import MarkdownIt

items = [f"item{depth};" for depth in range(12)]
text = "".join(f"{'  ' * depth}- {item}\n" for depth, item in enumerate(items))
lost = {
    preset: [item for item in items if item not in MarkdownIt(preset).render(text)]
    for preset in ("commonmark", "gfm-like", "default")
}
for preset, missing in lost.items():
    print(f"{preset}: of {len(items)} lists, each in the one before, these are left out: {missing}")
if lost != {"commonmark": items[9:], "gfm-like": items[9:], "default": []}:
    sys.exit("changed: other items are left out than those from the tenth on")
PROGRAM
