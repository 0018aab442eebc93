"""`andes pace`: a filter that passes text on at the pace people read it.

    some-llm-cli | andes pace --wpm 238

Standard input is read as fast as it comes, so the program upstream is never held back; what
is not yet due waits in memory. It comes out byte for byte, invalid UTF-8 too; only the
moments change. What is not going to be read by a person, because the output is no terminal,
is not paced.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from andes_client.buffer import splitter_for
from andes_client.expectation import Expectation, Smoothing, reading, smooth, speaking
from andes_client.pacer import Paced, pace
from andes_client.pipeline import (
    INTERRUPTED,
    STDOUT,
    keyboard_of_reader,
    language_code,
    leave,
    loop,
    on_interrupt,
    stop,
    write,
    write_beside,
)
from andes_client.supply import MAX_SPEED_UP, Revealing, Supply, read
from andes_client.terminal_text import line

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from andes_client.keys import Keyboard

__all__ = ["add_parser", "run"]

_AT_ONCE: Final = 8_192  # units that are written together, at most
_STEP: Final = 1.1  # by which + and - change the speed

_DESCRIPTION = """\
Copy standard input to standard output, word by word, at the pace people read.
The first word appears at once, and no word appears later than the reader gets to it.
With --smooth, text comes as fast as it arrives, but evenly.
"""

_SLOWEST: Final = 0.01  # times the expectation, by the keys
_WINDOW_S: Final = 0.5  # of --smooth

_EPILOG = """\
keys, on a terminal, from the first word on:
  + -       faster, slower by 10 %
  space     pause or resume
  enter     show everything at once, from now on
  q         quit at once; Ctrl-C also ends the program upstream

examples:
  some-llm-cli | andes pace                      the mean of the Andes paper (216 words/min)
  some-llm-cli | andes pace --wpm 300            a faster reader
  some-llm-cli | andes pace --speak              text that is spoken (194 words/min)
  some-llm-cli | andes pace --language de        a reader of German (187 words/min)
  some-llm-cli | andes pace --chars --cps 17     character by character, like subtitles
  some-llm-cli | andes pace --smooth             as fast as it comes, without the stutter
  some-llm-cli | andes pace --max-lag 20         end at most 20 s after the program upstream

When the output is not a terminal, text passes straight through; --force paces it anyway.
"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `pace` to the `andes` command."""
    parser = subparsers.add_parser(
        "pace",
        help="copy standard input to the output at reading pace",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    speed = parser.add_argument_group("speed").add_mutually_exclusive_group()
    speed.add_argument(
        "--wpm",
        type=_speed_in("words a minute", 238),
        metavar="N",
        help="words a minute, or inf to pass the text straight through",
    )
    speed.add_argument(
        "--cps",
        type=_speed_in("characters a second", 17),
        metavar="N",
        help="characters a second, without spaces, or inf",
    )
    speed.add_argument(
        "--smooth",
        type=_window,
        nargs="?",
        const=_WINDOW_S,
        metavar="SECONDS",
        help="show text evenly, as fast as it comes, none of it later than so many seconds after "
        f"it has come (default: {_WINDOW_S:g}; more is smoother)",
    )
    parser.add_argument(
        "--speak",
        action="store_true",
        help="show each word for as long as a voice takes to say it; without --wpm and --cps, at "
        "the usual speed of voices",
    )
    parser.add_argument(
        "--language",
        type=language_code,
        metavar="CODE",
        help="language of the text, ISO 639-1: it sets how long words are and, without --wpm and "
        "--cps, how fast people read (en: 238 words/min) or voices "
        "speak (en: 194); how fast other languages are read is estimated from English",
    )
    parser.add_argument(
        "--chars", action="store_true", help="show single characters instead of words"
    )
    parser.add_argument(
        "--max-lag",
        type=_seconds,
        metavar="SECONDS",
        help="finish within this time after the input ends: show text up to twice as fast, "
        "then the rest at once",
    )
    parser.add_argument(
        "--force", action="store_true", help="pace even when the output is not a terminal"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Filter standard input to standard output until it ends; returns the exit status.

    0 also when the reader of the output has had enough; 1 when reading or writing fails,
    with a line on standard error; 130 after Ctrl-C.
    """
    expectation = _expectation(arguments)
    paced = expectation.tds < math.inf and (arguments.force or os.isatty(STDOUT))
    try:
        if paced:
            anyio.run(_pace, expectation, arguments, backend_options={"loop_factory": loop})
        else:
            _pass_through()
    except KeyboardInterrupt:
        leave(INTERRUPTED)
    except BrokenPipeError:
        leave(0)
    except OSError as error:
        said = line(f"{error.filename}: {error.strerror}")
        print(f"andes pace: {said}", file=sys.stderr, flush=True)
        leave(1)
    return 0


def _expectation(arguments: argparse.Namespace) -> Expectation:
    if arguments.smooth is not None:
        return smooth(arguments.smooth)
    preset = speaking if arguments.speak else reading
    return preset(arguments.wpm, cps=arguments.cps, language=arguments.language)


def _speed_in(unit: str, usual: float) -> Callable[[str], float]:
    def speed(text: str) -> float:
        try:
            value = float(text)
            reading(value)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"must be a number of {unit} above 0, such as {usual:g}, or inf to pass the text "
                f"straight through, not {text!r}"
            ) from None
        return value

    return speed


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, not {text!r}")
    return seconds


def _window(text: str) -> float:
    try:
        return smooth(float(text)).window
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number of seconds above 0, such as {_WINDOW_S:g}, not {text!r}"
        ) from None


def _pass_through() -> None:
    while data := read():
        write(data)


async def _pace(expectation: Expectation, arguments: argparse.Namespace) -> None:
    unit = "grapheme" if arguments.chars else "word"
    splitter = Revealing(splitter_for(expectation, unit, arguments.language))
    supply = Supply(splitter, arguments.max_lag, passes=isinstance(expectation, Smoothing))
    paced = pace(
        supply.texts(),
        expectation,
        unit=splitter,
        max_lag=arguments.max_lag,
        max_speed_up=MAX_SPEED_UP,
    )
    async with paced:
        supply.start(paced)
        with keyboard_of_reader() as keyboard:
            on_interrupt(partial(stop, keyboard, INTERRUPTED))
            await _show(paced, supply, keyboard)


async def _show(paced: Paced, supply: Supply, keyboard: "Keyboard | None") -> None:
    """Write text as it is released; obey the keys."""
    controls = _controls(paced, supply, partial(stop, keyboard, 0))
    error: Exception | None = None
    while error is None:
        text, error = await _due(paced)
        if not text:
            break
        supply.look_again()
        if keyboard is not None:
            # Not before the first text, as keys may be a password for the program upstream;
            # then with each, as that program and the shell change the terminal, too.
            keyboard.listen(controls)
        await write_beside(text.encode("utf-8", "surrogateescape"))
    if error is not None:
        raise error
    for data in supply.rest():
        await write_beside(data)


async def _due(paced: Paced) -> tuple[str, Exception | None]:
    """What is due, in one: waits for the first of it, and then takes what waits for no one.

    Nothing at the end. An error of the input comes with the text before it.
    """
    texts = []
    with anyio.CancelScope() as waiting:
        try:
            async for text in paced:
                texts.append(text)
                if len(texts) == 1:
                    waiting.deadline = -math.inf
                elif len(texts) == _AT_ONCE:
                    break
        except OSError as error:
            return "".join(texts), error
    return "".join(texts), None


def _controls(paced: Paced, supply: Supply, leave: Callable[[], object]) -> Callable[[str], object]:
    """What each key does."""
    speed = 1.0

    def change_speed(factor: float) -> None:
        nonlocal speed
        speed = min(max(speed * factor, _SLOWEST), 1 / _SLOWEST)  # a key may be held down
        paced.speed(speed)

    def pause_or_resume() -> None:
        (paced.resume if paced.statistics().paused else paced.pause)()

    def reveal_all() -> None:
        paced.reveal_all()
        supply.look_again()

    actions: dict[str, Callable[[], object]] = {
        "+": partial(change_speed, _STEP),
        "=": partial(change_speed, _STEP),  # "+" without shift, on many keyboards
        "-": partial(change_speed, 1 / _STEP),
        " ": pause_or_resume,
        "\n": reveal_all,
        "\r": reveal_all,
        "q": leave,
    }
    return lambda key: actions.get(key, lambda: None)()
