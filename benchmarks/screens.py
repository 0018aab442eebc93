"""A paced answer in seven web frameworks, Django twice, in a real Chromium: a table, with versions.

    make screens                              sets the frameworks up, and tests them
    python benchmarks/screens.py              all of them: a quarter of an hour
    python benchmarks/screens.py --only "Flask;Gradio"
    python benchmarks/screens.py --markdown   the table of docs/frameworks.md

Behind each example (examples/screens) stands a model that says one word after another, more slowly
than people read, and that notes when its client has gone (helpers/screen_model.py). Everything
listens on loopback. For each app the table says

- words: whether all came, in their order;
- latency: from the model to the page, the median, and what of it is ours: the same app with nothing
  in place of our pacing (helpers/screen_own.py) in the same run;
- Stop, tab: in a silence of ten seconds, how long after Stop was pressed, or the tab was closed,
  the connection to the model was closed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the browser, which the tests drive

from helpers.screen_apps import APPS, PYTHON, App, interpreter, serving
from helpers.screen_model import Model, talking
from helpers.screen_visitor import FLAGS, Silence, closing_the_tab, hear, pressing_stop
from table import print_table

from tests.demos.web_browser import Browser, chromium, missing

__all__ = ["COLUMNS", "Row", "main"]

COLUMNS: Final = ("", "versions", "words", "latency, ms", "of it ours, ms", "Stop, s", "tab, s")
_TURNS: Final = 2  # with us and without, one after the other


@dataclass(frozen=True)
class Row:
    """What was seen of one app; seconds."""

    app: str
    versions: str
    whole: bool
    latency_s: float
    own_s: float
    stop_s: float | None
    """None: the answer went on to its end."""
    tab_s: float | None
    log: str
    """What the app has printed."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run as a script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ",".join(app.name for app in APPS)
    parser.add_argument("--only", help=f"some of: {names}; separated by semicolons")
    parser.add_argument(
        "--words", type=int, default=30, help="of the answer whose latency is taken"
    )
    parser.add_argument("--silence", type=float, default=10.0, help="seconds")
    parser.add_argument("--after", type=int, default=5, help="words before the silence")
    parser.add_argument("--markdown", action="store_true", help="as a table of Markdown")
    parser.add_argument("--json", type=Path, help="a file for all that was seen")
    options = parser.parse_args(argv)
    chosen = [app for app in APPS if options.only is None or app.name in options.only.split(";")]
    if why := missing():
        parser.error(f"{why}; scripts/chromium installs it")
    if not all(map(interpreter, chosen)):
        parser.error(f"no {PYTHON}; `make screens` makes it")
    rows = measured(chosen, options.words, Silence(options.silence, options.after))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows]))
    lines = [cells(row) for row in rows]
    if options.markdown:
        for line in (COLUMNS, ["---"] * len(COLUMNS), *lines):
            print("|", " | ".join(line), "|")
    else:
        print_table("A paced answer in Chromium", COLUMNS, lines)


def measured(apps: Sequence[App], number: int, silence: Silence) -> list[Row]:
    """What is seen of each."""
    with tempfile.TemporaryDirectory(prefix="andes-screens-") as name, talking() as model:
        folder = Path(name)
        with chromium(folder, *FLAGS) as browser:
            return [look(browser, app, model, folder, number, silence) for app in apps]


def look(
    browser: Browser, app: App, model: Model, folder: Path, number: int, silence: Silence
) -> Row:
    """One app, and beside it the same without us."""
    print(f"{app.name} ...", file=sys.stderr, flush=True)
    with serving(app, model.url, folder, own=True) as own, serving(app, model.url, folder) as url:
        for at in (own, url):
            hear(browser, at, app, model, 2)  # what is loaded at the first answer
        turns = [
            tuple(hear(browser, at, app, model, number) for at in (own, url)) for _ in range(_TURNS)
        ]
        stop_s = pressing_stop(browser, url, app, model, silence)
        tab_s = closing_the_tab(browser, url, app, model, silence)
    theirs, ours = zip(*turns, strict=True)
    return Row(
        app.name,
        versions(app),
        all(one.whole for one in ours),
        median(seconds for one in ours for seconds in one.latencies_s),
        median(seconds for one in theirs for seconds in one.latencies_s),
        stop_s,
        tab_s,
        (folder / f"{app.file}.log").read_text(errors="replace"),
    )


def versions(app: App) -> str:
    """As they are installed."""
    program = "import sys, importlib.metadata as m; print(*(m.version(n) for n in sys.argv[1:]))"
    command = [str(interpreter(app)), "-c", program, *app.packages]
    numbers = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ", ".join(map(" ".join, zip(app.packages, numbers.split(), strict=True)))


def cells(row: Row) -> list[str]:
    """As the table says it."""

    def closed(seconds: float | None) -> str:
        return "at the end" if seconds is None else f"{seconds:.2f}"

    return [
        row.app,
        row.versions,
        "all" if row.whole else "NOT ALL",
        f"{row.latency_s * 1e3:.0f}",
        f"{(row.latency_s - row.own_s) * 1e3:.1f}",
        closed(row.stop_s),
        closed(row.tab_s),
    ]


if __name__ == "__main__":
    main()
