"""One answer on its way from the server to its listener: each word is shown when it is spoken."""

from collections.abc import AsyncGenerator, Callable

import anyio
import anyio.to_thread

from andes_client.voice.player import Player
from andes_client.voice.speaker import Speaker
from andes_demos.chat.reader import Reader
from andes_demos.chat.turn import Turn

__all__ = ["Aloud"]


class Aloud(Turn):
    """A turn whose answer is spoken.

    Args:
        reader: who has a mouth.
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._mouth = reader.mouth
        self._player: Player | None = None
        self._speaker: Speaker | None = None
        self._error: Exception | None = None
        self._is_paused = self._is_revealed = False
        self._unsaid = ""  # the end of what the speaker was given
        self._show: Callable[[str], None] = lambda _: None

    async def _pace(
        self, texts: AsyncGenerator[str, None], submitted: float, show: Callable[[str], None]
    ) -> None:
        del submitted
        self._is_revealed, self._unsaid, self._show = False, "", show
        was_rethought = self._is_rethought
        self._player = await anyio.to_thread.run_sync(self._mouth.player)
        try:
            speaker = self._speaker = Speaker(self._mouth.voice, self._player, self._mouth.language)
            if self._is_paused:
                self._player.pause()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._speak, speaker, texts)
                async for words in speaker.spoken:
                    if self._is_rethought == was_rethought:
                        self._unshown = self._unshown[len(words) :]
                        self._unsaid = self._unsaid[len(words) :]
                        show(words)
                await speaker.until_heard()
            if self._error is not None:
                raise self._error
        except ExceptionGroup as group:  # of the one task
            raise group.exceptions[0] from None
        finally:
            self._speaker = None
            self._player.close()

    async def _speak(self, speaker: Speaker, texts: AsyncGenerator[str, None]) -> None:
        """An error of the server is kept: what came before it is heard first."""
        try:
            await speaker.speak(self._unrevealed(texts))
        except Exception as error:
            self._error = error

    async def _unrevealed(self, texts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
        """What is to be spoken; the rest is shown as it comes."""
        async for text in texts:
            if self._is_revealed:
                self._unshown = self._unshown[len(text) :]
                self._show(text)
            else:
                self._unsaid += text
                yield text

    @property
    def doing(self) -> str:
        """For the gauge."""
        return "⏸ paused" if self._is_paused else "♪ aloud"

    def rethink(self) -> str:
        """As `Turn`: what has been received was reasoning. It is not spoken any further."""
        self._is_rethought = True
        if self._speaker:
            self._speaker.stop()
        return self._unshown

    def follow(self) -> None:
        """The voice has its new speed already."""

    def pause_or_resume(self) -> None:
        """Be silent, and show nothing; or go on."""
        self._is_paused = not self._is_paused
        if self._speaker and self._player:
            (self._player.pause if self._is_paused else self._player.resume)()

    def reveal_all(self) -> None:
        """Be silent, and show all that is there, and what is to come as it comes."""
        if self._speaker and not self._is_revealed:
            self._is_revealed = True
            self._speaker.stop()
            rest, self._unsaid = self._unsaid, ""
            self._unshown = self._unshown[len(rest) :]
            self._show(rest)
