"""A stream of text, spoken: cut, made into audio, played, and shown word by word."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Final

import anyio
import anyio.to_thread

from andes_client.nap import nap
from andes_client.voice.chunk import Chunk
from andes_client.voice.chunks import chunks
from andes_client.voice.engine import Audio, Voice
from andes_client.voice.player import Player
from andes_client.voice.spoken import Spoken

__all__ = ["Speaker"]

# A chunk is made when less audio is left than this and what the last chunk took to make. With more,
# a change of the voice's speed would be heard late.
_IN_HAND_S: Final = 1.5
_LOOK_S: Final = 0.05
_HEARD_S: Final = 0.01  # what is left when all has been heard, as far as devices can tell


class Speaker:
    """One answer, spoken by a voice to a listener.

        speaker = Speaker(Espeak("en"), device(22_050))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(speaker.speak, stream)
            async for word in speaker.spoken:
                print(word, end="", flush=True)
            await speaker.until_heard()

    Args:
        voice: its speed may be changed at any time, for what is not made yet.
        player: at the voice's sample rate; the caller pauses, stops and closes it. It may have
            played other answers, to their end.
        language: ISO 639-1 code of the text.
    """

    def __init__(self, voice: Voice, player: Player, language: str = "en") -> None:
        self.spoken = Spoken(player.position, language)
        """The words, each when it is heard."""
        self._voice = voice
        self._player = player
        self._language = language
        self._made_in_s = 0.0  # what the last chunk took
        self._is_stopped = self._has_begun = False

    def stop(self) -> str:
        """Be silent at once: nothing more is spoken or shown. `speak` takes the rest of its text.

        Returns:
            What has been heard.
        """
        self._is_stopped = True
        try:
            self._player.stop()
        finally:
            said = self.spoken.stop()
        return said

    async def speak(self, texts: AsyncIterable[str]) -> None:
        """Have all of it spoken, a chunk at a time; returns when all audio is made.

        Raises:
            Exception: what the stream raised, after the text before it; `spoken` ends then, too.
        """
        try:
            async with chunks(texts, language=self._language, spoken=self.spoken) as parts:
                async for chunk in parts:
                    await self._until_needed()
                    await self._make(chunk)
        finally:
            self.spoken.end()

    async def until_heard(self) -> None:
        """The last word has begun: wait for its end."""
        await self._until_less_than(_HEARD_S)

    async def _until_needed(self) -> None:
        await self._until_less_than(_IN_HAND_S + self._made_in_s)

    async def _until_less_than(self, seconds: float) -> None:
        bed = nap()
        try:
            while not self._is_stopped and self.spoken.ahead() > seconds:
                await bed.until(bed.now() + _LOOK_S)
        finally:
            bed.close()

    async def _make(self, chunk: Chunk) -> None:
        """Have its audio made and played."""
        if self._is_stopped:
            return
        began = anyio.current_time()
        # What the player has played before is not of this answer.
        at = None if self._has_begun else self._player.position()
        self._has_begun = True
        utterance = self.spoken.add(chunk, at=at)
        if chunk.spoken:
            async with aclosing(self._audio(chunk.spoken)) as pieces:
                async for piece in pieces:
                    for seconds, offset in piece.marks:
                        utterance.mark(seconds, offset)
                    self._player.play(piece.pcm)
                    utterance.hear(piece.pcm, self._voice.sample_rate)
        utterance.end()
        self._made_in_s = anyio.current_time() - began

    async def _audio(self, spoken: str) -> AsyncGenerator[Audio, None]:
        """What the voice makes, in a thread: it takes its time, and words are shown meanwhile."""
        audio = self._voice.speak(spoken)
        try:
            while not self._is_stopped and (
                piece := await anyio.to_thread.run_sync(next, audio, None, abandon_on_cancel=True)
            ):
                yield piece
        finally:
            with contextlib.suppress(ValueError):  # abandoned: its thread is still at it
                audio.close()
