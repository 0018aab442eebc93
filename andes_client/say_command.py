"""`andes say`: a filter that speaks its text, and shows each word as it is spoken.

    some-llm-cli | andes say --language en

Standard input is read as fast as it comes; the first clause is spoken as soon as it is there.
What comes out is the input byte for byte, invalid UTF-8 too, as far as it has been spoken.
"""

import argparse
import asyncio
import codecs
import contextlib
import math
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import anyio

from andes_client.pipeline import (
    INTERRUPTED,
    keyboard_of_reader,
    language_code,
    leave,
    loop,
    on_interrupt,
    stop,
    write_beside,
)
from andes_client.supply import read
from andes_client.terminal_text import line
from andes_client.voice.devices import device
from andes_client.voice.engine import Voice, VoiceMissingError
from andes_client.voice.player import Player, WavPlayer
from andes_client.voice.speaker import Speaker

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from andes_client.keys import Keyboard

__all__ = ["add_parser", "run"]

_STEP: Final = 1.1  # by which + and - change the speed
_SLOWEST, _FASTEST = 0.25, 4.0

_DESCRIPTION = """\
Speak standard input, and copy it to standard output word by word as it is spoken.
The first clause is spoken as soon as it has come; Markdown is shown, but not spoken.
"""

_EPILOG = """\
keys, on a terminal, from the first word on:
  space     pause or resume
  + -       faster, slower by 10 %, from the next sentence on
  q         quit at once; Ctrl-C also ends the program upstream

examples:
  some-llm-cli | andes say                       English, spoken by eSpeak NG
  some-llm-cli | andes say --language de         German
  some-llm-cli | andes say --voice piper         by Piper: pip install 'andes-streaming[voice]'
  some-llm-cli | andes say --model FILE.onnx     by another voice of Piper
  some-llm-cli | andes say --speed 1.5           half as fast again
  some-llm-cli | andes say --wav FILE.wav        into a file; takes as long as speaking
"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `say` to the `andes` command."""
    parser = subparsers.add_parser(
        "say",
        help="speak standard input, and show each word as it is spoken",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--language",
        type=language_code,
        default="en",
        metavar="CODE",
        help="language of the text, ISO 639-1: it sets where text may be cut and, with eSpeak NG, "
        "how it is spoken (default: en)",
    )
    parser.add_argument(
        "--voice",
        choices=["espeak", "piper"],
        help="eSpeak NG (default), or Piper, which comes with an American voice",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="a voice of Piper: its .onnx file, with the .onnx.json beside it",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help=f"speed, as a multiple of the voice's usual one: {_SLOWEST:g} to {_FASTEST:g} "
        "(default: 1)",
    )
    parser.add_argument(
        "--wav",
        type=Path,
        metavar="FILE",
        help="write the audio to this file instead of playing it; if you quit, the file ends there",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Speak standard input until it ends; returns the exit status.

    0 also when the reader of the output has had enough; 1 when there is no voice or no device,
    or reading, writing or playing fails, with a line on standard error; 130 after Ctrl-C.
    """
    try:
        voice = _voice(arguments)
        player = _player(arguments, voice.sample_rate)
    except KeyboardInterrupt:
        leave(INTERRUPTED)
    except (VoiceMissingError, OSError) as error:
        _fail(error)
    anyio.run(_say, arguments.language, voice, player, backend_options={"loop_factory": loop})
    return 0


def _voice(arguments: argparse.Namespace) -> Voice:
    name = arguments.voice or ("piper" if arguments.model else "espeak")
    if name == "espeak":
        if arguments.model:
            raise VoiceMissingError("--model is a voice of Piper: use it with --voice piper")
        from andes_client.voice.espeak import Espeak

        return Espeak(arguments.language, speed=arguments.speed)
    from andes_client.voice.piper import Piper

    return Piper(arguments.model, speed=arguments.speed)


def _player(arguments: argparse.Namespace, sample_rate: int) -> Player:
    if arguments.wav is None:
        return device(sample_rate)
    try:
        return WavPlayer(arguments.wav, sample_rate)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(arguments.wav)) from None


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not _SLOWEST <= value <= _FASTEST:
        raise argparse.ArgumentTypeError(
            f"must be a number from {_SLOWEST:g} to {_FASTEST:g}, such as 1.2, not {text!r}"
        )
    return value


def _fail(error: Exception) -> NoReturn:
    name = getattr(error, "filename", None)
    said = f"{name}: {error.strerror}" if isinstance(error, OSError) and name else str(error)
    print(f"andes say: {line(said)}", file=sys.stderr, flush=True)
    leave(1)


async def _say(language: str, voice: Voice, player: Player) -> None:
    saying = _Saying(language, voice, player)
    try:
        with keyboard_of_reader() as keyboard:
            on_interrupt(partial(saying.stop, keyboard, INTERRUPTED))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(saying.speak)
                await saying.show(keyboard)
        player.close()
    except OSError as error:
        _fail(error)
    if saying.error is not None:
        _fail(saying.error)


class _Saying:
    """One answer, being spoken."""

    def __init__(self, language: str, voice: Voice, player: Player) -> None:
        self.error: Exception | None = None
        self._voice = voice
        self._player = player
        self._speaker = Speaker(voice, player, language)
        self._paused = False

    async def speak(self) -> None:
        """Have standard input spoken. An error is kept: what came before it is heard first."""
        try:
            await self._speaker.speak(_input())
        except (OSError, VoiceMissingError) as error:
            self.error = error

    async def show(self, keyboard: "Keyboard | None") -> None:
        """Write each word when it is spoken; obey the keys. Returns when all has been heard."""
        controls = self._controls(partial(self.stop, keyboard, 0))
        try:
            async for word in self._speaker.spoken:
                if keyboard is not None:
                    # Not before the first word, as keys may be a password for the program
                    # upstream; then with each, as others change the terminal, too.
                    keyboard.listen(controls)
                await write_beside(word.encode("utf-8", "surrogateescape"))
            await self._speaker.until_heard()
        except BrokenPipeError:
            self.stop(keyboard, 0)
        except OSError as error:
            if keyboard is not None:
                keyboard.release()
            with contextlib.suppress(OSError):  # one error is said, the first
                self._player.close()
            _fail(error)

    def stop(self, keyboard: "Keyboard | None", status: int) -> NoReturn:
        """Be silent at once, and end."""
        try:
            self._player.close()
        except OSError as error:  # the rest of a file cannot be written
            if keyboard is not None:
                keyboard.release()
            _fail(error)
        stop(keyboard, status)

    def _controls(self, leave: Callable[[], object]) -> Callable[[str], object]:
        """What each key does."""
        actions: dict[str, Callable[[], object]] = {
            "+": partial(self._change_speed, _STEP),
            "=": partial(self._change_speed, _STEP),  # "+" without shift, on many keyboards
            "-": partial(self._change_speed, 1 / _STEP),
            " ": self._pause_or_resume,
            "q": leave,
        }
        return lambda key: actions.get(key, lambda: None)()

    def _change_speed(self, factor: float) -> None:
        self._voice.speed = min(max(self._voice.speed * factor, _SLOWEST), _FASTEST)

    def _pause_or_resume(self) -> None:
        (self._player.resume if self._paused else self._player.pause)()
        self._paused = not self._paused


async def _input() -> AsyncGenerator[str, None]:
    """Standard input as text, as fast as it comes; a thread reads it.

    Bytes that are not UTF-8 become lone surrogates, from which the output gets them back.

    Raises:
        OSError: reading failed, after all the text that came before.
    """
    running = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | OSError] = asyncio.Queue()

    def put(piece: bytes | OSError) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants it any more
            running.call_soon_threadsafe(pieces.put_nowait, piece)

    def read_all() -> None:
        try:
            while data := read():
                put(data)
            put(b"")
        except OSError as error:
            put(error)

    threading.Thread(target=read_all, name="andes-input", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    while isinstance(piece := await pieces.get(), bytes) and piece:
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)
    if isinstance(piece, OSError):
        raise piece
