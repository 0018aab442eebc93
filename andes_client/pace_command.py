"""`andes pace`: a filter that passes text on at the pace people read it.

    some-llm-cli | andes pace --wpm 238

Standard input is read as fast as it comes, so the program upstream is never held back.
It comes out byte for byte, invalid UTF-8 too; only the moments change. What is not
going to be read by a person, because the output is no terminal, is not paced.
"""

import argparse
import asyncio
import codecs
import contextlib
import math
import os
import select
import signal
import sys
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final, NoReturn

import anyio
import anyio.to_thread

from andes_client.expectation import Expectation, reading, speaking
from andes_client.pacer import pace

if TYPE_CHECKING:
    from argparse import _SubParsersAction

__all__ = ["add_parser", "run"]

_STDIN: Final = 0
_STDOUT: Final = 1
_NAMES: Final = {_STDIN: "standard input", _STDOUT: "standard output"}
_CHUNK_BYTES: Final = 65_536
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells report it

_DESCRIPTION = """\
Pass standard input on to standard output, word by word, at the pace people read.
The first word is shown at once, and nothing is ever shown later than the reader gets to it.
"""

_EPILOG = """\
examples:
  some-llm-cli | andes pace              the mean reading speed of adults (216 words/min)
  some-llm-cli | andes pace --wpm 300    a faster reader
  some-llm-cli | andes pace --speaking   text that is spoken (149 words/min)

When the output is not a terminal, text passes straight through; --force paces it anyway.
"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `pace` to the `andes` command."""
    parser = subparsers.add_parser(
        "pace",
        help="pass standard input on at reading pace",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    speed = parser.add_argument_group("speed")
    speed.add_argument(
        "--wpm",
        type=_words_a_minute,
        metavar="N",
        help="words a minute, or inf to pass the text straight through",
    )
    speed.add_argument(
        "--speaking", action="store_true", help="without --wpm: the mean speed of speech"
    )
    parser.add_argument(
        "--force", action="store_true", help="pace even when the output is not a terminal"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Filter standard input to standard output until it ends; returns the exit status.

    0 also when whoever reads the output has had enough; 1 when reading or writing fails,
    with a line on standard error; 130 after Ctrl-C.
    """
    expectation = (speaking if arguments.speaking else reading)(arguments.wpm)
    paced = expectation.tds < math.inf and (arguments.force or os.isatty(_STDOUT))
    try:
        if paced:
            anyio.run(_pace, expectation, backend="asyncio")
        else:
            _pass_through()
    except KeyboardInterrupt:
        _leave(_INTERRUPTED)
    except BrokenPipeError:
        _leave(0)
    except OSError as error:
        print(f"andes pace: {error.filename}: {error.strerror}", file=sys.stderr, flush=True)
        _leave(1)
    return 0


def _leave(status: int) -> NoReturn:
    # A thread may still be reading a silent input, or writing to an output that nobody
    # takes in, and Python would wait for it. Nothing is left in a buffer of ours.
    os._exit(status)


def _words_a_minute(text: str) -> float:
    try:
        wpm = float(text)
        reading(wpm)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "must be a number of words a minute above 0, such as 238, or inf to pass the text "
            f"straight through, not {text!r}"
        ) from None
    return wpm


def _pass_through() -> None:
    while data := _read():
        _write(data)


async def _pace(expectation: Expectation) -> None:
    # By itself asyncio can miss a Ctrl-C that comes just as it goes to sleep: the signal is
    # then seen at the next input. A handler of the loop's own wakes it.
    with contextlib.suppress(NotImplementedError):  # on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _leave, _INTERRUPTED)
    async with pace(_input(), expectation) as paced:
        async for text in paced:
            data = text.encode("utf-8", "surrogateescape")
            # In a thread: a terminal that is stopped (Ctrl-S) must not stop the reading too.
            await anyio.to_thread.run_sync(_write, data, abandon_on_cancel=True)


async def _input() -> AsyncGenerator[str, None]:
    """Standard input as text, each piece as soon as it comes.

    A character whose bytes have not all come waits for the rest. Bytes that are not UTF-8
    become lone surrogates, from which the output gets them back.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while data := await anyio.to_thread.run_sync(_read, abandon_on_cancel=True):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _read() -> bytes:
    """What there is to read, as soon as there is something; empty at the end."""
    while True:
        try:
            return os.read(_STDIN, _CHUNK_BYTES)
        except BlockingIOError:
            # Whoever shares the other end with us has made it non-blocking.
            select.select([_STDIN], [], [])
        except OSError as error:
            raise _named(error, _STDIN) from None


def _write(data: bytes) -> None:
    """All of `data`, now: no buffer lies between this and the output."""
    while data:
        try:
            data = data[os.write(_STDOUT, data) :]
        except BlockingIOError:
            select.select([], [_STDOUT], [])
        except OSError as error:
            raise _named(error, _STDOUT) from None


def _named(error: OSError, descriptor: int) -> OSError:
    return OSError(error.errno, error.strerror, _NAMES[descriptor])  # of the same subclass
