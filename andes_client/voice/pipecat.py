"""Pipecat: text cut for the voice, and shown when it is heard.

    step = InStep(language="en")
    pipeline = Pipeline([
        transport.input(), stt, context.user(), llm,
        *step.around(tts, transport.output()),
        context.assistant(),
    ])

What a model writes between LLMFullResponseStartFrame and LLMFullResponseEndFrame is cut, and given
to the voice as AggregatedTextFrames, which it speaks as they are. Behind the output come the words,
each as a TTSTextFrame when it is heard; so the context has of an interrupted answer what was heard.
What is spoken otherwise (a TTSSpeakFrame, say) is left alone.

Written for pipecat-ai 1.14.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Final

from pipecat.frames.frames import (
    AggregatedTextFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType

from andes_client.voice.chunk import Chunk, Word
from andes_client.voice.chunks import chunks
from andes_client.voice.spoken import Spoken
from andes_client.voice.utterance import Utterance

__all__ = ["InStep"]

_DOWN: Final = FrameDirection.DOWNSTREAM
_LATE_S: Final = 1.5  # no voice is silent for so long before it speaks
_KEY: Final = "andes.answer"  # in the metadata of the frames around an answer


class InStep:
    """Speaks and shows the answers of one pipeline.

    Args:
        language: ISO 639-1 code.
        markdown: the model writes Markdown: what is said has no marks.
    """

    def __init__(self, language: str = "en", *, markdown: bool = True) -> None:
        self.language = language
        self.markdown = markdown
        self.made_s = 0.0
        """Audio of all answers that the voice has made, seconds."""
        self.played_s = 0.0
        """The part of it that was played."""

    def around(self, voice: FrameProcessor, output: FrameProcessor) -> list[FrameProcessor]:
        """The voice, the transport's output behind it, and what cuts and shows around them."""
        return [_Cut(self), voice, _Hear(self), output, _Show(self)]


class _Answer:
    """One answer on its way."""

    def __init__(self, step: InStep) -> None:
        self.begins_s = math.inf  # of the audio of all, once the voice gets to it
        self.spoken = Spoken(lambda: max(0.0, step.played_s - self.begins_s), step.language)
        self.texts = asyncio.Queue[str | None]()
        self.rest: tuple[Word, ...] = ()
        """What is not said, and waits for what is."""

    async def stream(self) -> AsyncIterator[str]:
        """What the model writes."""
        while (text := await self.texts.get()) is not None:
            yield text


class _Piece(AggregatedTextFrame):
    """A chunk for the voice. It comes by before its audio does."""

    answer: _Answer
    chunk: Chunk


class _Cut(FrameProcessor):
    """Before the voice: cuts what a model writes."""

    def __init__(self, step: InStep) -> None:
        super().__init__(name="AndesCut")
        self._step = step
        self._answer: _Answer | None = None
        self._cutting: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMFullResponseStartFrame) and not frame.skip_tts:
            await self._leave()  # an answer whose end never came
            self._answer = answer = _Answer(self._step)
            frame.metadata[_KEY] = answer
            await self.push_frame(frame, direction)
            self._cutting = self.create_task(self._cut(answer))
        elif self._answer is not None and isinstance(frame, LLMTextFrame) and not frame.skip_tts:
            self._answer.texts.put_nowait(frame.text)
        elif self._answer is not None and isinstance(frame, LLMFullResponseEndFrame):
            self._answer.texts.put_nowait(None)
            if self._cutting is not None:
                await self._cutting
            frame.metadata[_KEY], self._answer = self._answer, None
            await self.push_frame(frame, direction)
        else:
            if isinstance(frame, InterruptionFrame | CancelFrame | EndFrame):
                await self._leave()
            await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        await self._leave()
        await super().cleanup()

    async def _cut(self, answer: _Answer) -> None:
        step = self._step
        async with chunks(
            answer.stream(), language=step.language, spoken=answer.spoken, markdown=step.markdown
        ) as parts:
            async for chunk in parts:
                words, answer.rest = (*answer.rest, *chunk.words), ()
                if not chunk.spoken:
                    answer.rest = words
                    continue
                piece = _Piece(chunk.spoken, TextType.SENTENCE)
                piece.answer, piece.chunk = answer, Chunk(words, chunk.spoken)
                piece.append_to_context = False
                await self.push_frame(piece)

    async def _leave(self) -> None:
        cutting, self._cutting, self._answer = self._cutting, None, None
        if cutting is not None and not cutting.done():
            await self.cancel_task(cutting)


class _Hear(FrameProcessor):
    """Behind the voice: how much audio there is of each chunk."""

    def __init__(self, step: InStep) -> None:
        super().__init__(name="AndesHear")
        self._step = step
        self._utterances = dict[int, Utterance]()  # by the id of its frame
        self._current: Utterance | None = None
        self._begun: Utterance | None = None  # some of its words are timed
        self._spoken: Spoken | None = None
        self._zero_ns: int | None = None
        self._origin_ns = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, _Piece):
            self._begin(frame)
        elif isinstance(frame, TTSAudioRawFrame) and direction is _DOWN:
            self._grow(frame)
        elif isinstance(frame, TTSTextFrame) and frame.segment_id in self._utterances:
            self._mark(frame, self._utterances[frame.segment_id])
            return  # its words are shown instead, when they are heard
        elif isinstance(frame, AggregatedTextFrame) and frame.will_be_spoken:
            self._current = None  # somebody else speaks
        elif isinstance(frame, LLMFullResponseStartFrame) and _KEY in frame.metadata:
            frame.metadata[_KEY].begins_s, self._zero_ns = self._step.made_s, None
        elif isinstance(frame, LLMFullResponseEndFrame) and _KEY in frame.metadata:
            answer = frame.metadata[_KEY]
            if answer.rest:
                answer.spoken.add(Chunk(answer.rest, ""), seconds=0.0)
            answer.spoken.end()
            self._current = None
        elif isinstance(frame, InterruptionFrame):
            self._current = None
        await self.push_frame(frame, direction)

    def _begin(self, piece: _Piece) -> None:
        answer = piece.answer
        if answer.spoken is not self._spoken:
            self._spoken, self._utterances = answer.spoken, {}
        at = max(0.0, self._step.made_s - answer.begins_s)
        self._current = answer.spoken.add(piece.chunk, at=at)
        self._utterances[piece.id] = self._current

    def _mark(self, frame: TTSTextFrame, utterance: Utterance) -> None:
        """A voice that times its words says when one begins, on the pipeline's clock."""
        if frame.text_type != TextType.WORD or frame.pts is None:
            return
        if self._begun is not utterance:
            self._begun = utterance
            at_s = (frame.pts - self._zero()) / 1e9 - utterance.begins_s
            # Some voices count from the beginning of the answer, others from that of each chunk.
            # With the latter the first word seems to come much too early or late: its chunk
            # begins with it.
            self._origin_ns = frame.pts - int(max(0.0, at_s if at_s < _LATE_S else 0.0) * 1e9)
        utterance.mark(max(0.0, (frame.pts - self._origin_ns) / 1e9), frame.text)

    def _zero(self) -> int:
        """When the first audio of the answer came."""
        if self._zero_ns is None:
            self._zero_ns = self.get_clock().get_time()
        return self._zero_ns

    def _grow(self, frame: TTSAudioRawFrame) -> None:
        self._zero()
        seconds = frame.num_frames / frame.sample_rate
        self._step.made_s += seconds
        if self._current is None:
            return
        if frame.num_channels == 1:
            self._current.hear(frame.audio, frame.sample_rate)
        else:
            self._current.grow(seconds)


class _Show(FrameProcessor):
    """Behind the output: what was played, and the words that were heard in it."""

    def __init__(self, step: InStep) -> None:
        super().__init__(name="AndesShow")
        self._step = step
        self._answer: _Answer | None = None
        self._showing: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame) and direction is _DOWN:
            self._step.played_s += frame.num_frames / frame.sample_rate
        elif isinstance(frame, LLMFullResponseStartFrame) and _KEY in frame.metadata:
            await self._leave()
            self._answer = frame.metadata[_KEY]
            self._showing = self.create_task(self._show(self._answer))
        elif isinstance(frame, LLMFullResponseEndFrame) and _KEY in frame.metadata:
            self._step.played_s = max(self._step.played_s, self._step.made_s)
            if self._showing is not None:
                await self._showing
        elif isinstance(frame, InterruptionFrame | CancelFrame | EndFrame):
            await self._leave()
            self._step.made_s = self._step.played_s  # the output has dropped the rest
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        await self._leave()
        await super().cleanup()

    async def _show(self, answer: _Answer) -> None:
        async for word in answer.spoken:
            frame = TTSTextFrame(word, TextType.WORD)
            frame.includes_inter_frame_spaces = True
            frame.will_be_spoken = True
            await self.push_frame(frame)

    async def _leave(self) -> None:
        """The answer is over, or was interrupted."""
        if self._answer is not None:
            self._answer.spoken.stop()
        showing, self._showing, self._answer = self._showing, None, None
        if showing is not None and not showing.done():
            await self.cancel_task(showing)
