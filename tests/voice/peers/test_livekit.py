"""A session of the real livekit-agents; the voice and the speaker are ours, the clock jumps."""

import asyncio
import importlib.util
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

import pytest

from andes_client.testing import run_virtual, scripted
from tests.conftest import skip_loudly

IS_HERE = importlib.util.find_spec("livekit") is not None

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

LETTERS_PER_SECOND = 15
RATE = 16_000


def test_livekit_is_here() -> None:
    if not IS_HERE:
        assert os.environ.get("ANDES_REQUIRE_VOICE") != "1", "livekit-agents is not installed"
        skip_loudly("the adapter for LiveKit agents", "it is not installed: see make voice.")


if IS_HERE:
    from livekit import rtc
    from livekit.agents import Agent, AgentSession, ModelSettings, llm, tts
    from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
    from livekit.agents.voice import io

    from andes_client.voice.livekit import InStep

    class Letters(tts.TTS[Any]):
        """A voice that takes as long as the letters say."""

        def __init__(self) -> None:
            capabilities = tts.TTSCapabilities(streaming=False)
            super().__init__(capabilities=capabilities, sample_rate=RATE, num_channels=1)
            self.said = list[str]()

        def synthesize(
            self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
        ) -> tts.ChunkedStream:
            self.said.append(text)
            return Reading(tts=self, input_text=text, conn_options=conn_options)

    class Reading(tts.ChunkedStream):
        async def _run(self, output_emitter: tts.AudioEmitter) -> None:
            output_emitter.initialize(
                request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm"
            )
            samples = len(self.input_text) * RATE // LETTERS_PER_SECOND
            output_emitter.push(b"\x00\x10" * samples)

    class Speaker(io.AudioOutput):
        """Plays what it has in real time, and waits for more."""

        def __init__(self) -> None:
            capabilities = io.AudioOutputCapabilities(pause=True)
            super().__init__(label="speaker", capabilities=capabilities, sample_rate=RATE)
            self.began, self.ends, self.given = 0.0, 0.0, 0.0
            self._finish: asyncio.TimerHandle | None = None

        async def capture_frame(self, frame: rtc.AudioFrame) -> None:
            await super().capture_frame(frame)
            now = asyncio.get_running_loop().time()
            if not self.given:
                self.began = self.ends = now
                self.on_playback_started(created_at=time.time())
            self.ends = max(now, self.ends) + frame.duration
            self.given += frame.duration

        def flush(self) -> None:
            super().flush()
            if self.given:
                loop = asyncio.get_running_loop()
                self._finish = loop.call_at(self.ends, self._finished, False)

        def clear_buffer(self) -> None:
            if self.given:
                self._finished(interrupted=True)

        def _finished(self, interrupted: bool) -> None:
            if self._finish is not None:
                self._finish.cancel()
            left = max(0.0, self.ends - asyncio.get_running_loop().time())
            position, self.given = self.given - left, 0.0
            self.on_playback_finished(playback_position=position, interrupted=interrupted)

    class Screen(io.TextOutput):
        """What is shown, and when."""

        def __init__(self) -> None:
            super().__init__(label="screen", next_in_chain=None)
            self.shown = list[tuple[float, str]]()

        async def capture_text(self, text: str) -> None:
            self.shown.append((asyncio.get_running_loop().time(), text))

        def flush(self) -> None:
            pass

    class Assistant(Agent):
        def __init__(self) -> None:
            super().__init__(instructions="You are heard.")
            self.step = InStep()

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

    class Model(llm.LLM[Any]):
        """Says the same whatever it is asked."""

        def chat(self, **options: Any) -> llm.LLMStream:
            return Answering(
                self,
                chat_ctx=options["chat_ctx"],
                tools=options.get("tools") or [],
                conn_options=options.get("conn_options", DEFAULT_API_CONNECT_OPTIONS),
            )

    class Answering(llm.LLMStream):
        async def _run(self) -> None:
            async for text in model():
                delta = llm.ChoiceDelta(role="assistant", content=text)
                self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))

    class Scene:
        """A session that speaks."""

        def __init__(self) -> None:
            self.voice, self.speaker, self.screen = Letters(), Speaker(), Screen()
            self.session = AgentSession[None](llm=Model(), tts=self.voice, tts_text_transforms=None)
            self.session.output.audio = self.speaker
            self.session.output.transcription = self.screen

        @property
        def text(self) -> str:
            return "".join(text for _, text in self.screen.shown)

        @property
        def history(self) -> list[str]:
            messages = self.session.history.messages()
            return [message.text_content or "" for message in messages]

    def act(play: Callable[[Scene], Any]) -> Scene:
        async def run() -> Scene:
            scene = Scene()
            await scene.session.start(Assistant(), record=False)
            await play(scene)
            await scene.session.aclose()
            return scene

        return run_virtual(run)

    ANSWER = (
        "The **mill** is old, and nobody lives there. It has [two wheels](http://mill.example)."
    )

    def model(text: str = ANSWER) -> AsyncIterator[str]:
        return scripted([(0.05, text[at : at + 4]) for at in range(0, len(text), 4)])

    def test_words_are_shown_when_they_are_heard() -> None:
        async def play(scene: Scene) -> None:
            await scene.session.say(model())

        scene = act(play)
        assert scene.text == ANSWER
        assert scene.history == [ANSWER]
        assert " ".join(scene.voice.said) == (
            "The mill is old, and nobody lives there. It has two wheels."
        )
        moments = {text: moment for moment, text in scene.screen.shown}
        began = scene.speaker.began
        assert moments["The"] - began < 0.1
        assert abs(moments[" lives"] - began - 31 / LETTERS_PER_SECOND) < 0.5
        assert moments[" wheels](http://mill.example)."] - began > 40 / LETTERS_PER_SECOND

    def test_what_an_interrupted_answer_leaves_is_what_was_heard() -> None:
        async def play(scene: Scene) -> None:
            handle = scene.session.say(model())
            await asyncio.sleep(2.0)
            await scene.session.interrupt()
            await handle

        scene = act(play)
        assert ANSWER.startswith(scene.text)
        assert 0 < len(scene.text) < len(ANSWER)
        assert len(scene.history) == 1
        assert ANSWER.startswith(scene.history[0])
        heard_s = 2.0 - scene.speaker.began
        assert abs(len(scene.history[0]) - 4 - heard_s * LETTERS_PER_SECOND) < 10

    def test_a_model_answers_and_is_interrupted() -> None:
        async def play(scene: Scene) -> None:
            await scene.session.generate_reply(user_input="What is up there?")
            handle = scene.session.generate_reply(user_input="And?")
            await asyncio.sleep(2.0)
            await scene.session.interrupt()
            await handle

        asked, answer, again, heard = act(play).history
        assert (asked, answer, again) == ("What is up there?", ANSWER, "And?")
        assert ANSWER.startswith(heard)
        assert 0 < len(heard) < len(ANSWER)

    def test_answers_follow_each_other() -> None:
        async def play(scene: Scene) -> None:
            await scene.session.say(model("One is here."))
            await scene.session.say("Two is here, too.")

        scene = act(play)
        assert scene.history == ["One is here.", "Two is here, too."]
        assert scene.text == "One is here.Two is here, too."

    def test_another_agent_takes_over_and_hands_back() -> None:
        async def play(scene: Scene) -> None:
            first, second = Assistant(), Assistant()
            for agent, text in ((first, "One. "), (second, "Two. "), (first, "Three.")):
                scene.session.update_agent(agent)
                await asyncio.sleep(1.0)
                await scene.session.say(model(text))

        scene = act(play)
        assert scene.text == "One. Two. Three."
        assert scene.voice.said == ["One.", "Two.", "Three."]
        assert "".join(scene.history) == "One. Two. Three."

    def test_a_pause_halts_the_words() -> None:
        async def play(scene: Scene) -> None:
            handle = scene.session.say(model())
            await asyncio.sleep(1.0)
            assert scene.session.output.audio is not None
            scene.session.output.audio.pause()
            before = scene.text
            await asyncio.sleep(1.0)
            assert scene.text == before
            scene.session.output.audio.resume()
            await handle

        assert act(play).text == ANSWER

    def test_audio_that_is_not_ours_leaves_the_text_alone() -> None:
        async def beep() -> AsyncIterator[rtc.AudioFrame]:
            yield rtc.AudioFrame(b"\x00\x10" * RATE, RATE, 1, RATE)

        async def play(scene: Scene) -> None:
            await scene.session.say("A beep.", audio=beep())
            await scene.session.say(model("One is here."))

        scene = act(play)
        assert scene.text == "A beep.One is here."
        assert scene.voice.said == ["One is here."]

    def test_without_audio_text_comes_as_it_is() -> None:
        async def play(scene: Scene) -> None:
            scene.session.output.set_audio_enabled(False)
            await scene.session.say(model())

        scene = act(play)
        assert scene.text == ANSWER
        assert scene.voice.said == []

    CODE = "```\ncode\n```\n"

    def test_an_answer_without_a_word_to_say_is_shown_in_its_turn() -> None:
        async def play(scene: Scene) -> None:
            texts = ("One is here, and it takes its time.", CODE, "Two is here.")
            handles = [scene.session.say(model(text)) for text in texts]
            for handle in handles:
                await asyncio.wait_for(handle, 60)

        scene = act(play)
        assert scene.text == f"One is here, and it takes its time.{CODE}Two is here."

    def test_words_are_asked_for_however_late() -> None:
        """The answer before is still heard when the voice is through with this one."""

        async def play(scene: Scene) -> None:
            agent, settings = Assistant(), ModelSettings()
            scene.session.update_agent(agent)
            await asyncio.sleep(1.0)
            audio = agent.step.tts_node(agent, model(CODE), settings)
            assert [frame async for frame in audio] == []
            async with asyncio.timeout(60):
                shown = agent.step.transcription_node(agent, model(CODE), settings)
                assert "".join([text async for text in shown]) == CODE

        act(play)

    def test_without_an_attached_session_text_comes_as_it_is() -> None:
        """Its tts_node says what is missing; nobody waits for audio that never comes."""

        async def play(scene: Scene) -> None:
            agent = Assistant()
            scene.session.update_agent(agent)
            await asyncio.sleep(1.0)
            shown = InStep().transcription_node(agent, model(), ModelSettings())
            async with asyncio.timeout(60):
                assert "".join([text async for text in shown]) == ANSWER

        act(play)

    def test_who_leaves_the_audio_ends_the_request_to_the_voice() -> None:
        """At once: an interrupted answer costs no more audio."""

        class Kept(Letters):
            def synthesize(self, text: str, **options: Any) -> tts.ChunkedStream:
                self.streams.append(super().synthesize(text, **options))
                return self.streams[-1]

            def __init__(self) -> None:
                super().__init__()
                self.streams = list[tts.ChunkedStream]()

        async def play(scene: Scene) -> None:
            voice, agent = Kept(), Assistant()
            scene.session._tts = voice
            scene.session.update_agent(agent)
            await asyncio.sleep(1.0)
            frames = agent.step.tts_node(agent, model(), ModelSettings())
            await anext(frames)
            await frames.aclose()
            assert [stream._synthesize_task.done() for stream in voice.streams] == [True]
            assert voice.streams[0]._event_ch.closed

        act(play)

    def test_an_agent_that_was_not_attached_says_what_to_do() -> None:
        async def take() -> None:
            with pytest.raises(RuntimeError, match="on_enter"):
                async for _ in InStep().tts_node(Assistant(), model(), ModelSettings()):
                    pass

        run_virtual(take)
