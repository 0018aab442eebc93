"""An agent of LiveKit agents whose words appear when they are heard; here by itself, with Piper.

    make voice
    .venv-voice/bin/python examples/voice/livekit_agent.py              # through the sound device
    .venv-voice/bin/python examples/voice/livekit_agent.py answer.wav

In a room only `Assistant` is needed, and the options of its session:

    session = AgentSession(llm=..., stt=..., tts=..., tts_text_transforms=None)
    options = RoomOptions(text_output=TextOutputOptions(sync_transcription=False))
    await session.start(Assistant(), room=context.room, room_options=options)
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
from livekit.agents.voice import io

from andes_client.testing import scripted
from andes_client.voice.devices import device
from andes_client.voice.livekit import InStep
from andes_client.voice.piper import Piper
from andes_client.voice.player import Player, WavPlayer

ANSWER = """Three things to see in the old town:

- the **market hall**, where they sell fish from 6 a.m.
- a [clock with one hand](https://town.example/clock)
- the bridge of 1874, which is 212 m long

Go early, and take your time."""


class Assistant(Agent):
    """Any agent: its text is cut for the voice, and shown when it is heard."""

    def __init__(self) -> None:
        super().__init__(instructions="You show people around.")
        self.step = InStep(language="en")

    async def on_enter(self) -> None:
        self.step.attach(self.session)

    def tts_node(
        self, text: AsyncIterable[str], model_settings: ModelSettings
    ) -> AsyncIterable[rtc.AudioFrame]:
        return self.step.tts_node(self, text, model_settings)

    def transcription_node(
        self, text: AsyncIterable[Any], model_settings: ModelSettings
    ) -> AsyncIterable[str]:
        return self.step.transcription_node(self, text, model_settings)


class PiperTTS(tts.TTS[Any]):
    """Piper as a voice of LiveKit's."""

    def __init__(self, voice: Piper) -> None:
        capabilities = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=capabilities, sample_rate=voice.sample_rate, num_channels=1)
        self.voice = voice

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Speech(tts=self, input_text=text, conn_options=conn_options)


class _Speech(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        voice = self._tts.voice  # type: ignore[attr-defined, unused-ignore]
        output_emitter.initialize(
            request_id="piper", sample_rate=voice.sample_rate, num_channels=1, mime_type="audio/pcm"
        )
        for audio in await asyncio.to_thread(lambda: list(voice.speak(self.input_text))):
            output_emitter.push(audio.pcm)


class Loudspeaker(io.AudioOutput):
    """Plays on this machine; in a room, LiveKit's own output does."""

    def __init__(self, player: Player, rate: int) -> None:
        capabilities = io.AudioOutputCapabilities(pause=False)
        super().__init__(label="loudspeaker", capabilities=capabilities, sample_rate=rate)
        self.player = player
        self.given_s = self.before_s = 0.0
        self._waiting: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self.given_s:
            self.on_playback_started(created_at=time.time())
        self.given_s += frame.duration
        self.player.play(bytes(frame.data))

    def flush(self) -> None:
        super().flush()
        if self.given_s:
            self._waiting = asyncio.create_task(self._finish())

    def clear_buffer(self) -> None:
        self.player.stop()

    async def _finish(self) -> None:
        while (played_s := self.player.position() - self.before_s) < self.given_s - 0.01:  # noqa: ASYNC110, a player does not say
            await asyncio.sleep(0.02)
        self.before_s, self.given_s = self.before_s + self.given_s, 0.0
        self.on_playback_finished(playback_position=played_s, interrupted=False)


class Terminal(io.TextOutput):
    """Shows the words as they come."""

    def __init__(self) -> None:
        super().__init__(label="terminal", next_in_chain=None)

    async def capture_text(self, text: str) -> None:
        print(text, end="", flush=True)

    def flush(self) -> None:
        print()


def model() -> AsyncIterator[str]:
    """Stands for an LLM: 20 tokens a second."""
    return scripted([(0.05, ANSWER[at : at + 4]) for at in range(0, len(ANSWER), 4)])


async def main(path: str | None) -> None:
    """Say the answer."""
    voice = Piper()
    rate = voice.sample_rate
    player: Player = device(rate) if path is None else WavPlayer(path, rate)
    session = AgentSession[None](tts=PiperTTS(voice), tts_text_transforms=None)
    session.output.audio, session.output.transcription = Loudspeaker(player, rate), Terminal()
    await session.start(Assistant(), record=False)
    await session.say(model())
    await session.aclose()
    player.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
