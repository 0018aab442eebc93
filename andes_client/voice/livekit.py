"""LiveKit agents: text cut for the voice, and shown when it is heard.

    class Assistant(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="...")
            self.step = InStep(language="en")

        async def on_enter(self) -> None:
            self.step.attach(self.session)

        def tts_node(self, text, model_settings):
            return self.step.tts_node(self, text, model_settings)

        def transcription_node(self, text, model_settings):
            return self.step.transcription_node(self, text, model_settings)

The session's own filters and synchroniser are then in the way: `AgentSession(...,
tts_text_transforms=None)` and `sync_transcription=False` in the room's options for text output.
What an interrupted answer leaves in the conversation is what was heard of it.

Written for livekit-agents 1.8.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from typing import Any, Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT
from livekit.agents.utils import is_given
from livekit.agents.voice import io

from andes_client.voice.chunk import Chunk
from andes_client.voice.chunks import chunks
from andes_client.voice.playhead import Playhead
from andes_client.voice.spoken import Spoken

__all__ = ["InStep"]

_KEY: Final = "andes.answer"  # in what an audio frame carries along


class _Answer:
    """One answer: its audio's position, and its words."""

    def __init__(self, language: str) -> None:
        self.playhead = Playhead()
        clock = asyncio.get_running_loop().time
        self.spoken = Spoken(lambda: self.playhead.played(clock()), language)


class InStep:
    """Speaks and shows the answers of one agent.

    Args:
        language: ISO 639-1 code.
        markdown: the model writes Markdown: what is said has no marks.
    """

    def __init__(self, language: str = "en", *, markdown: bool = True) -> None:
        self._language = language
        self._markdown = markdown
        self._is_attached = False
        self._untold = deque[_Answer | None]()  # whose words nobody shows yet
        self._news = asyncio.Event()

    def attach(self, session: AgentSession[Any]) -> None:
        """Follow the audio of a session, from its next answer on; call it when it has started.

        Raises:
            RuntimeError: the session has no output for audio.
        """
        output = session.output.audio
        if output is None:
            raise RuntimeError("the session has no audio output; attach() after session.start()")
        if not isinstance(output, _Output):  # an agent before this one may have made it
            output = session.output.audio = _Output(output)
        output.step = self
        self._is_attached = True
        self._untold.clear()

    async def tts_node(
        self,
        agent: Agent,
        text: AsyncIterable[str],
        model_settings: ModelSettings,  # noqa: ARG002, the node's signature
    ) -> AsyncGenerator[rtc.AudioFrame, None]:
        """The audio of an answer, for the agent's `tts_node`."""
        if not self._is_attached:
            raise RuntimeError("call attach(session) before the first answer, as in on_enter()")
        answer = _Answer(self._language)
        self._tell(answer)
        spoken = answer.spoken
        try:
            async with chunks(
                text, language=self._language, spoken=spoken, markdown=self._markdown
            ) as parts:
                async for chunk in parts:
                    if not chunk.spoken:
                        spoken.add(chunk, seconds=0.0)
                        continue
                    # Closed with this node: the voice ends its request when it is interrupted,
                    # not when the garbage is collected.
                    async with aclosing(_speak(agent, chunk, spoken)) as frames:
                        async for frame in frames:
                            frame.userdata[_KEY] = answer
                            yield frame
        except (asyncio.CancelledError, GeneratorExit):
            # Interrupted before it was heard: nobody asks for its words. Whoever asks for those of
            # an answer that has nothing to say, or that failed, gets them however late.
            if answer in self._untold and not answer.playhead.given_s:
                self._untold.remove(answer)
            raise
        finally:
            spoken.end()

    async def transcription_node(
        self,
        agent: Agent,
        text: AsyncIterable[str],
        model_settings: ModelSettings,  # noqa: ARG002, the node's signature
    ) -> AsyncGenerator[str, None]:
        """The words of an answer when they are heard, for the agent's `transcription_node`."""
        output = agent.session.output
        answer = None
        if self._is_attached and output.audio is not None and output.audio_enabled:
            while not self._untold:
                self._news.clear()
                await self._news.wait()
            answer = self._untold.popleft()
        if answer is None:  # nobody hears it, or its audio is not ours
            async for delta in text:
                yield delta
            return
        async for word in answer.spoken:
            yield word

    def _tell(self, answer: _Answer | None) -> None:
        self._untold.append(answer)
        self._news.set()

    def _answer_of(self, frame: rtc.AudioFrame) -> _Answer | None:
        """Whose audio begins with this frame; None if it is of somebody else."""
        answer = frame.userdata.get(_KEY)
        if isinstance(answer, _Answer):
            return answer
        # A frame that was resampled has lost it.
        waiting = [one for one in self._untold if one is not None]
        if not waiting:
            self._tell(None)
        return waiting[0] if waiting else None


async def _speak(
    agent: Agent, chunk: Chunk, spoken: Spoken
) -> AsyncGenerator[rtc.AudioFrame, None]:
    """Have the agent's voice say a chunk."""
    voice = agent.tts if is_given(agent.tts) else agent.session.tts
    if voice is None:
        raise RuntimeError("neither the agent nor its session has a tts")
    utterance = spoken.add(chunk)
    async with voice.synthesize(chunk.spoken) as stream:
        async for audio in stream:
            frame = audio.frame
            for timed in frame.userdata.pop(USERDATA_TIMED_TRANSCRIPT, ()):
                if isinstance(timed.start_time, int | float):
                    utterance.mark(timed.start_time, str(timed))
            if frame.num_channels == 1:
                utterance.hear(bytes(frame.data), frame.sample_rate)
            else:
                utterance.grow(frame.duration)
            yield frame
    utterance.end()


class _Output(io.AudioOutput):
    """Follows what is played on the way to the session's own output."""

    def __init__(self, output: io.AudioOutput) -> None:
        super().__init__(
            label="Andes",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=output,
            sample_rate=output.sample_rate,
        )
        self.step: InStep | None = None
        """Of the agent that speaks."""
        self._answer: _Answer | None = None
        self._playhead = Playhead()
        self._capturing = False

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if not self._capturing:
            self._capturing = True
            self._answer = None if self.step is None else self.step._answer_of(frame)
            self._playhead = Playhead() if self._answer is None else self._answer.playhead
        await super().capture_frame(frame)
        self._playhead.give(frame.duration, self._now())
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        self._capturing = False
        assert self.next_in_chain is not None
        self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        assert self.next_in_chain is not None
        self.next_in_chain.clear_buffer()

    def pause(self) -> None:
        self._playhead.halt(self._now())
        super().pause()

    def resume(self) -> None:
        super().resume()
        self._playhead.resume(self._now())

    def on_playback_started(self, *, created_at: float) -> None:
        self._playhead.start(self._now() - max(0.0, time.time() - created_at))
        super().on_playback_started(created_at=created_at)

    def on_playback_progressed(self, *, started_at: float, offset: float, duration: float) -> None:
        self._playhead.is_at(offset + duration, self._now())
        super().on_playback_progressed(started_at=started_at, offset=offset, duration=duration)

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        self._playhead.finish(playback_position, self._now())
        if interrupted and self._answer is not None:
            synchronized_transcript = self._answer.spoken.stop()
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
