"""A bot of Pipecat's whose words appear when they are heard; here by itself, with Piper.

    make voice
    .venv-voice/bin/python examples/voice/pipecat_bot.py              # through the sound device
    .venv-voice/bin/python examples/voice/pipecat_bot.py answer.wav

With a transport and a model of yours only `InStep` is needed:

    step = InStep(language="en")
    Pipeline([
        transport.input(), stt, context.user(), llm,
        *step.around(tts, transport.output()),
        context.assistant(),
    ])
"""

import asyncio
import sys
from collections.abc import AsyncGenerator

from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

from andes_client.testing import scripted
from andes_client.voice.devices import device
from andes_client.voice.pipecat import InStep
from andes_client.voice.piper import Piper
from andes_client.voice.player import Player, WavPlayer

ANSWER = """Three ways to keep bread fresh:

1. a **clay pot** with a lid
2. a [linen bag](https://kitchen.example/bags), at 18 to 20 °C
3. the freezer, for up to 3 months

Never the fridge, by the way."""


class PiperTTS(TTSService):
    """Piper as a voice of Pipecat's."""

    def __init__(self, voice: Piper) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            sample_rate=voice.sample_rate,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._piper = voice

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        rate = self._piper.sample_rate
        for audio in await asyncio.to_thread(lambda: list(self._piper.speak(text))):
            yield TTSAudioRawFrame(audio.pcm, rate, 1, context_id=context_id)


class Loudspeaker(BaseOutputTransport):
    """Plays on this machine; with a transport of yours, its own output does."""

    def __init__(self, player: Player, rate: int) -> None:
        super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=rate))
        self._player = player
        self._given_s = 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        self._player.play(frame.audio)
        self._given_s += frame.num_frames / frame.sample_rate
        while self._player.position() < self._given_s - 0.01:  # noqa: ASYNC110, a player does not say
            await asyncio.sleep(0.005)
        return True


class Terminal(FrameProcessor):
    """Shows the words as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSTextFrame):
            print(frame.text, end="", flush=True)
        elif isinstance(frame, LLMFullResponseEndFrame):
            print()
            self.ended.set()
        await self.push_frame(frame, direction)


async def main(path: str | None) -> None:
    """Say the answer."""
    logger.remove()
    voice, terminal, started = Piper(), Terminal(), asyncio.Event()
    rate = voice.sample_rate
    player: Player = device(rate) if path is None else WavPlayer(path, rate)
    parts = InStep(language="en").around(PiperTTS(voice), Loudspeaker(player, rate))
    worker = PipelineWorker(
        Pipeline([*parts, terminal]),
        params=PipelineParams(audio_out_sample_rate=rate),
        enable_rtvi=False,
    )

    @worker.event_handler("on_pipeline_started")
    async def _started(worker: object, frame: Frame) -> None:  # noqa: ARG001
        started.set()

    async def model() -> None:
        """Stands for an LLM: 20 tokens a second."""
        await started.wait()
        await worker.queue_frame(LLMFullResponseStartFrame())
        tokens = [(0.05, ANSWER[at : at + 4]) for at in range(0, len(ANSWER), 4)]
        async for token in scripted(tokens):
            await worker.queue_frame(LLMTextFrame(token))
        await worker.queue_frame(LLMFullResponseEndFrame())
        await terminal.ended.wait()
        await worker.queue_frame(EndFrame())

    runner = WorkerRunner()
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), model())
    player.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else None))
