"""`andes demo`: one answer in the paper's three scenarios, raw and paced, side by side."""

import argparse
import math
import os
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["add_parser", "run"]

_DESCRIPTION: Final = """\
Watch three servers send the same answer, as in Figure 1 of the Andes paper: at your speed; late
and all at once; too slowly, then too fast. You see each as it arrives and at the pace you read.
The demo needs no GPU and brings its own server. Without a terminal it prints text and figures.
"""
_KEYS: Final = ("just-right", "long-wait", "tortoise-hare")
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it
_PICTURE_SIZE: Final = (144, 40)  # columns and rows of a picture that is taken without a terminal


def add_parser(subparsers: Any) -> None:
    """Add `andes demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="watch a stream raw and paced, in the paper's three scenarios",
        description=_DESCRIPTION,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--wpm",
        type=_wpm,
        default=300.0,
        metavar="N",
        help="words a minute at the start (default: 300)",
    )
    parser.add_argument(
        "--hurry",
        type=_above_zero,
        default=1.0,
        metavar="FACTOR",
        help="run everything, servers and reader, FACTOR times as fast; the figures stay the same",
    )
    parser.add_argument("--scenario", choices=_KEYS, help="show only this scenario")
    parser.add_argument(
        "--svg",
        type=_file_to_write,
        metavar="FILE",
        help="write to FILE a picture of the screen, taken when most of the text has been read",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Show it; returns the exit status: 130 after Ctrl-C, 1 if there was no picture to write."""
    try:
        return _show(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _show(arguments: argparse.Namespace) -> int:
    is_terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    try:
        if is_terminal or arguments.svg:
            return _watch(arguments, headless=not is_terminal)
        return _print(arguments)
    except* BrokenPipeError:  # alone, or in the group of the streams that are read at once
        # Whoever reads the transcript has had enough; Python must not flush into the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _watch(arguments: argparse.Namespace, *, headless: bool) -> int:
    from andes_demos.chat.reader import Reader
    from andes_demos.leaving import gives_terminal_back
    from andes_demos.scenarios.app import DemoApp
    from andes_demos.scenarios.server import serving_scenarios

    pictures: list[str] = []
    with serving_scenarios(arguments.hurry) as url:
        app = DemoApp(
            url,
            Reader("reading", arguments.wpm),
            hurry=arguments.hurry,
            alone=_KEYS.index(arguments.scenario) + 1 if arguments.scenario else 0,
            on_picture=pictures.append,
            ends=headless,
        )
        with gives_terminal_back(app):
            app.run(headless=headless, size=_PICTURE_SIZE if headless else None)
    if app.return_code:
        return app.return_code
    print(app.summary)
    return _save(arguments.svg, pictures)


def _save(path: Path | None, pictures: list[str]) -> int:
    if path is None:
        return 0
    if not pictures:
        print(
            f"andes demo: did not write {path}: most of the text must have been read first",
            file=sys.stderr,
        )
        return 1
    path.write_text(pictures[0], encoding="utf-8")
    return 0


def _print(arguments: argparse.Namespace) -> int:
    import anyio

    from andes_client import reading
    from andes_demos.scenarios.plain import transcribe
    from andes_demos.scenarios.scenario import SCENARIOS
    from andes_demos.scenarios.server import serving_scenarios

    chosen = [one for one in SCENARIOS if arguments.scenario in (None, one.key)]
    with serving_scenarios(arguments.hurry) as url:
        anyio.run(transcribe, url, chosen, reading(arguments.wpm), arguments.hurry)
    return 0


def _wpm(text: str) -> float:
    value = _number(text)
    if not 10 <= value <= 100_000:
        raise argparse.ArgumentTypeError(
            f"must be a number of words a minute from 10 to 100000, such as 238, not {text!r}"
        )
    return value


def _above_zero(text: str) -> float:
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _file_to_write(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r} to write into")
    return path
