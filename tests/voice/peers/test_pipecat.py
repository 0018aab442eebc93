"""A pipeline of the real pipecat-ai, with a voice and an output of ours, on a clock that jumps."""

import asyncio
import importlib.util
import os
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from andes_client.testing import run_virtual
from tests.conftest import skip_loudly

IS_HERE = importlib.util.find_spec("pipecat") is not None

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

LETTERS_PER_SECOND = 15
RATE = 16_000


def test_pipecat_is_here() -> None:
    if not IS_HERE:
        assert os.environ.get("ANDES_REQUIRE_VOICE") != "1", "pipecat-ai is not installed"
        skip_loudly("the adapter for Pipecat", "it is not installed: see make voice.")


if IS_HERE:
    with warnings.catch_warnings():
        # Of Pipecat's own modules: audioop (another is installed where Python has none), and a
        # class that derives from an old one.
        warnings.simplefilter("ignore", DeprecationWarning)
        from pipecat.clocks.base_clock import BaseClock
        from pipecat.frames.frames import (
            EndFrame,
            Frame,
            InterruptionFrame,
            LLMFullResponseEndFrame,
            LLMFullResponseStartFrame,
            LLMTextFrame,
            OutputAudioRawFrame,
            StartFrame,
            TextFrame,
            TTSAudioRawFrame,
            TTSSpeakFrame,
        )
        from pipecat.pipeline.pipeline import Pipeline
        from pipecat.pipeline.worker import PipelineParams, PipelineWorker
        from pipecat.processors.aggregators.llm_context import LLMContext
        from pipecat.processors.aggregators.llm_response_universal import LLMAssistantAggregator
        from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
        from pipecat.services.settings import TTSSettings
        from pipecat.services.tts_service import TTSService
        from pipecat.transports.base_output import BaseOutputTransport
        from pipecat.transports.base_transport import TransportParams
        from pipecat.workers.runner import WorkerRunner

        from andes_client.voice.pipecat import InStep

    class Letters(TTSService):
        """A voice that takes as long as the letters say."""

        def __init__(self, *, push_text_frames: bool = True) -> None:
            super().__init__(
                push_text_frames=push_text_frames,
                push_start_frame=True,
                push_stop_frames=True,
                sample_rate=RATE,
                settings=TTSSettings(model=None, voice=None, language=None),
            )
            self.said = list[str]()

        async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
            self.said.append(text)
            samples = len(text) * RATE // LETTERS_PER_SECOND
            yield TTSAudioRawFrame(b"\x00\x10" * samples, RATE, 1, context_id=context_id)

    class Timing(Letters):
        """A voice that says when it begins each word: every other half second."""

        def __init__(self) -> None:
            super().__init__(push_text_frames=False)

        async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
            self.said.append(text)
            words = text.split()
            await self.start_word_timestamps()
            times = [(word, float(number)) for number, word in enumerate(words)]
            await self.add_word_timestamps(times, context_id)
            for _ in words:
                silent = b"\x00\x00" * (RATE // 2)
                yield TTSAudioRawFrame(
                    b"\x00\x10" * (RATE // 2) + silent, RATE, 1, context_id=context_id
                )

    class Speaker(BaseOutputTransport):
        """Takes as long over audio as it is."""

        def __init__(self) -> None:
            super().__init__(TransportParams(audio_out_enabled=True, audio_out_sample_rate=RATE))
            self.began: float | None = None

        async def start(self, frame: StartFrame) -> None:
            await super().start(frame)
            await self.set_transport_ready(frame)

        async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
            if self.began is None and any(frame.audio):
                self.began = asyncio.get_running_loop().time()
            await asyncio.sleep(frame.num_frames / frame.sample_rate)
            return True

    class Clock(BaseClock):
        """The event loop's."""

        def get_time(self) -> int:
            return int(asyncio.get_running_loop().time() * 1e9)

        def start(self) -> None:
            pass

    class Screen(FrameProcessor):
        """What is shown, and when."""

        def __init__(self) -> None:
            super().__init__()
            self.shown = list[tuple[float, str]]()
            self.ended = asyncio.Event()

        async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
            await super().process_frame(frame, direction)
            if isinstance(frame, TextFrame) and frame.append_to_context:
                self.shown.append((asyncio.get_running_loop().time(), frame.text))
            if isinstance(frame, LLMFullResponseEndFrame):
                self.ended.set()
            await self.push_frame(frame, direction)

    class Scene:
        """A pipeline that speaks."""

        def __init__(self, voice: Letters | None = None) -> None:
            self.voice, self.speaker, self.screen = voice or Letters(), Speaker(), Screen()
            self.context = LLMContext()
            assistant = LLMAssistantAggregator(self.context)
            parts = InStep().around(self.voice, self.speaker)
            self.worker = PipelineWorker(
                Pipeline([*parts, self.screen, assistant]),
                params=PipelineParams(audio_out_sample_rate=RATE),
                cancel_on_idle_timeout=False,
                clock=Clock(),
                enable_rtvi=False,
            )

        @property
        def text(self) -> str:
            return "".join(text for _, text in self.screen.shown)

        @property
        def history(self) -> list[str]:
            return [str(message["content"]) for message in self.context.messages]

        async def answer(self, text: str) -> None:
            """What a model writes, 80 characters a second."""
            await self.worker.queue_frame(LLMFullResponseStartFrame())
            for at in range(0, len(text), 4):
                await asyncio.sleep(0.05)
                await self.worker.queue_frame(LLMTextFrame(text[at : at + 4]))
            await self.worker.queue_frame(LLMFullResponseEndFrame())

    def act(
        play: Callable[[Scene], Awaitable[None]], voice: Callable[[], Letters] = Letters
    ) -> Scene:
        async def run() -> Scene:
            scene = Scene(voice())
            started = asyncio.Event()

            @scene.worker.event_handler("on_pipeline_started")
            async def _started(worker: object, frame: Frame) -> None:  # noqa: ARG001
                started.set()

            async def direct() -> None:
                await started.wait()
                await play(scene)
                await scene.worker.queue_frame(EndFrame())

            runner = WorkerRunner(handle_sigint=False)
            await runner.add_workers(scene.worker)
            await asyncio.gather(runner.run(), direct())
            return scene

        return run_virtual(run)

    ANSWER = (
        "The **mill** is old, and nobody lives there. It has [two wheels](http://mill.example)."
    )

    def test_words_are_shown_when_they_are_heard() -> None:
        async def play(scene: Scene) -> None:
            await scene.answer(ANSWER)
            await scene.screen.ended.wait()

        scene = act(play)
        assert scene.text == ANSWER
        assert scene.history == [ANSWER]
        assert " ".join(scene.voice.said) == (
            "The mill is old, and nobody lives there. It has two wheels."
        )
        moments = {text: moment for moment, text in scene.screen.shown}
        began = scene.speaker.began or 0.0
        assert moments["The"] - began < 0.15
        assert abs(moments[" lives"] - began - 31 / LETTERS_PER_SECOND) < 0.5
        assert moments[" wheels](http://mill.example)."] - began > 40 / LETTERS_PER_SECOND

    def test_what_an_interrupted_answer_leaves_is_what_was_heard() -> None:
        heard = list[float]()

        async def play(scene: Scene) -> None:
            await scene.answer(ANSWER)
            assert scene.speaker.began is not None
            await asyncio.sleep(scene.speaker.began + 2.5 - asyncio.get_running_loop().time())
            heard.append(2.5)
            await scene.worker.queue_frame(InterruptionFrame())
            await asyncio.sleep(0.5)
            await scene.answer("Sorry. What is it?")
            await scene.screen.ended.wait()

        scene = act(play)
        assert len(scene.history) == 2
        assert ANSWER.startswith(scene.history[0])
        assert scene.history[1] == "Sorry. What is it?"
        letters = len(scene.history[0]) - len("****")  # which nobody says
        assert abs(letters - heard[0] * LETTERS_PER_SECOND) < 10

    def test_what_is_said_in_between_is_left_alone() -> None:
        async def play(scene: Scene) -> None:
            await scene.worker.queue_frame(TTSSpeakFrame("One moment."))
            await scene.answer("One is here.")
            await scene.screen.ended.wait()
            scene.screen.ended.clear()
            await scene.worker.queue_frame(TTSSpeakFrame("Well, then."))
            await scene.answer("```\ncode\n```\nTwo is here.\n\n```\nmore\n```\n")
            await scene.screen.ended.wait()

        scene = act(play)
        assert scene.voice.said == ["One moment.", "One is here.", "Well, then.", "Two is here."]
        assert scene.history == [
            "One moment.",
            "One is here.",
            "Well, then.",
            "```\ncode\n```\nTwo is here.\n\n```\nmore\n```",
        ]

    def test_an_answer_whose_end_never_comes_is_left_at_the_next() -> None:
        """Nobody waits for the rest of its text."""
        waiting = list[str]()

        async def play(scene: Scene) -> None:
            await scene.worker.queue_frame(LLMFullResponseStartFrame())
            await scene.worker.queue_frame(LLMTextFrame("This one is"))
            await asyncio.sleep(0.1)
            await scene.answer("One is here.")
            await scene.screen.ended.wait()
            waiting.extend(task.get_name() for task in asyncio.all_tasks())

        assert act(play).text.endswith("One is here.")
        assert [name for name in waiting if name.endswith("::_cut")] == []

    def test_code_alone_is_shown() -> None:
        async def play(scene: Scene) -> None:
            await scene.answer("```\ncode\n```\n")
            await scene.screen.ended.wait()

        scene = act(play)
        assert scene.voice.said == []
        assert scene.text == "```\ncode\n```\n"

    def test_words_that_the_voice_times_are_shown_at_its_times() -> None:
        async def play(scene: Scene) -> None:
            await scene.answer("Go up, **now** and here.")
            await scene.screen.ended.wait()

        scene = act(play, Timing)
        assert scene.text == "Go up, **now** and here."
        began = scene.speaker.began or 0.0
        moments = [moment - began for moment, _ in scene.screen.shown]
        assert len(moments) == 5
        for number, moment in enumerate(moments):
            assert abs(moment - number) < 0.15
