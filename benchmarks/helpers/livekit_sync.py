"""LiveKit agents' transcript synchroniser, fed with the audio and the text of a benchmark.

It runs on the event loop's clock, which may be a virtual one: its module's `time` is replaced, and
nothing else of it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Final, Literal

from helpers.voices import Said

__all__ = ["Feed", "livekit_shown"]

Feed = Literal["words", "whole", "streamed"]
"""What it is given: all audio with the times of words, all audio, or audio a little ahead."""

_FRAME_S: Final = 0.02
_AHEAD_S: Final = 0.3
_BYTES_A_SAMPLE: Final = 2


def spans(said: Said) -> Iterator[tuple[str, float, float]]:
    """Its text with the begin and the end of each part in its audio; a word of which the time is
    not known goes with the one before."""
    texts = [word.text for word in said.chunk.words]
    times = {0: 0.0, **said.word_times()}
    for number, after in pairwise([*times, len(texts)]):
        yield "".join(texts[number:after]), times[number], times.get(after, said.seconds)


async def livekit_shown(said: Sequence[Said], rate: int, feed: Feed) -> list[tuple[float, str]]:
    """What it shows, and when: seconds since the audio began to play.

    Args:
        said: an answer's chunks, one after the other.
        rate: samples a second.
        feed: what it is given.
    """
    from livekit import rtc  # type: ignore[import-not-found, unused-ignore]
    from livekit.agents.types import TimedString  # type: ignore[import-not-found, unused-ignore]
    from livekit.agents.voice import io  # type: ignore[import-not-found, unused-ignore]
    from livekit.agents.voice.transcription import (  # type: ignore[import-not-found, unused-ignore]
        synchronizer,
    )

    loop = asyncio.get_running_loop()
    synchronizer.time = SimpleNamespace(time=loop.time)
    shown: list[tuple[float, str]] = []
    began: list[float] = []

    class Player(io.AudioOutput):  # type: ignore[misc, unused-ignore]
        """Plays at once what it gets."""

        def __init__(self) -> None:
            super().__init__(label="player", capabilities=io.AudioOutputCapabilities(pause=False))

        async def capture_frame(self, frame: Any) -> None:
            await super().capture_frame(frame)
            if not began:
                began.append(loop.time())
                self.on_playback_started(created_at=began[0])

        def flush(self) -> None:
            super().flush()

        def clear_buffer(self) -> None:
            pass

    class Screen(io.TextOutput):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__(label="screen", next_in_chain=None)

        async def capture_text(self, text: str) -> None:
            shown.append((loop.time() - began[0], str(text)))

        def flush(self) -> None:
            pass

    player = Player()
    both = synchronizer.TranscriptSynchronizer(
        next_in_chain_audio=player, next_in_chain_text=Screen()
    )
    length = 0.0
    for each in said:
        if feed != "words":
            await both.text_output.capture_text(each.chunk.text)
        else:
            for text, start, end in spans(each):
                timed = TimedString(text, start_time=length + start, end_time=length + end)
                await both.text_output.capture_text(timed)
        length += each.seconds
    both.text_output.flush()
    start = loop.time()
    pcm = b"".join(each.pcm for each in said)
    step = int(_FRAME_S * rate) * _BYTES_A_SAMPLE
    for number, at in enumerate(range(0, len(pcm), step)):
        if feed == "streamed":
            ahead = number * _FRAME_S - (loop.time() - start)
            if ahead > _AHEAD_S:
                await asyncio.sleep(ahead - _AHEAD_S)
        data = pcm[at : at + step]
        samples = len(data) // _BYTES_A_SAMPLE
        await both.audio_output.capture_frame(
            rtc.AudioFrame(data=data, sample_rate=rate, num_channels=1, samples_per_channel=samples)
        )
    both.audio_output.flush()
    await asyncio.sleep(max(0.0, start + length - loop.time()))
    player.on_playback_finished(playback_position=length, interrupted=False)
    await both.barrier()
    await both.aclose()
    return shown
