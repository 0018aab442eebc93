"""vLLM's own outputs, in both kinds."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.outputs import CompletionOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, SamplingParams

from andes_client import Expectation, pace
from andes_client.sources import StreamError, pace_events
from andes_client.sources import text as any_text
from andes_client.sources.vllm import note, split, text

PROGRAM = Expectation.program()
# The second word begins as the first one does, and so would a text so far.
WORDS = ["a", "ab", " cd", " a"]


def output(
    said: str, tokens: int, finish: str | None = None, so_far: int | None = None, index: int = 0
) -> RequestOutput:
    one = CompletionOutput(
        index=index,
        text=said,
        token_ids=list(range(tokens)),
        cumulative_logprob=None,
        logprobs=None,
        finish_reason=finish,
    )
    metrics: Any = None if so_far is None else SimpleNamespace(num_generation_tokens=so_far)
    return RequestOutput(
        request_id="1",
        prompt=None,
        prompt_token_ids=None,
        prompt_logprobs=None,
        outputs=[one],
        finished=finish is not None,
        metrics=metrics,
    )


def outputs(*, cumulative: bool, counted: bool, finish: str | None = "stop") -> list[RequestOutput]:
    """One token each, the last with its finish reason."""
    made = []
    for number, word in enumerate(WORDS, 1):
        said = "".join(WORDS[:number]) if cumulative else word
        made.append(
            output(
                said,
                number if cumulative else 1,
                finish if number == len(WORDS) else None,
                number if counted else None,
            )
        )
    return made


async def stream_of(events: list[RequestOutput]) -> AsyncIterator[RequestOutput]:
    for event in events:
        yield event


async def said(texts: Any) -> str:
    async with pace(texts, PROGRAM) as paced:
        return "".join([text async for text in paced])


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestVllm:
    @pytest.mark.parametrize("counted", [True, False], ids=["with metrics", "without"])
    @pytest.mark.parametrize("cumulative", [True, False], ids=["cumulative", "deltas"])
    async def test_only_what_is_new_comes_through(self, cumulative: bool, counted: bool) -> None:
        events = outputs(cumulative=cumulative, counted=counted)
        texts = text(stream_of(events))
        assert await said(texts) == "".join(WORDS)
        assert texts.ending is not None
        assert texts.ending.reason == "complete"
        assert await said(any_text(stream_of(events))) == "".join(WORDS)

    @pytest.mark.parametrize("kind", [RequestOutputKind.CUMULATIVE, RequestOutputKind.DELTA])
    async def test_its_own_generator_says_which_kind_it_is(self, kind: RequestOutputKind) -> None:
        """As in `AsyncLLM.generate`, whose argument has this name."""

        async def generate(sampling_params: SamplingParams) -> AsyncIterator[RequestOutput]:
            # Without metrics, the second delta looks like the whole text so far.
            yield output("a", 1)
            yield output("ab", 2, "stop")
            assert sampling_params

        texts = text(generate(SamplingParams(output_kind=kind)))
        whole = "ab" if kind is RequestOutputKind.CUMULATIVE else "aab"
        assert await said(texts) == whole

    async def test_with_its_events(self) -> None:
        items: list[Any] = []
        events = outputs(cumulative=True, counted=True)
        async with pace_events(stream_of(events), PROGRAM, split=split) as paced:
            async for item in paced:
                items.append(item if isinstance(item, str) else item.outputs[0].finish_reason)
        assert items == [*WORDS, "stop"]
        assert paced.ending is not None
        assert paced.ending.reason == "complete"

    async def test_a_split_of_your_own_may_wrap_it(self) -> None:
        events = outputs(cumulative=False, counted=True)
        mine = lambda event: (split(event)[0].upper(), split(event)[1])  # noqa: E731
        async with pace_events(stream_of(events), PROGRAM, split=mine, note=note) as paced:
            items = [item async for item in paced if isinstance(item, str)]
        assert "".join(items) == "".join(WORDS).upper()

    @pytest.mark.parametrize(
        ("finish", "reason"), [("length", "length"), ("stop", "complete"), ("repetition", "other")]
    )
    async def test_how_it_ended(self, finish: str, reason: str) -> None:
        texts = text(stream_of(outputs(cumulative=True, counted=True, finish=finish)))
        await said(texts)
        assert texts.ending is not None
        assert texts.ending.reason == reason

    async def test_one_that_was_aborted_has_failed(self) -> None:
        with pytest.raises(StreamError, match="abort"):
            await said(text(stream_of(outputs(cumulative=True, counted=True, finish="abort"))))

    async def test_one_that_just_stops_is_cut_off(self) -> None:
        texts = text(stream_of(outputs(cumulative=True, counted=True, finish=None)))
        with pytest.raises(StreamError, match="before the answer was whole"):
            await said(texts)

    async def test_the_first_of_several_completions_is_read(self) -> None:
        events = [output("One", 1), output("Eins", 1, index=1), output(" two", 1, "stop")]
        items: list[Any] = []
        async with pace_events(stream_of(events), PROGRAM, split=split) as paced:
            async for item in paced:
                items.append(item if isinstance(item, str) else item.outputs[0].index)
        assert items == ["One", 1, " two", 0]

    async def test_an_output_that_ends_without_a_word_more_says_nothing_twice(self) -> None:
        events = [output("One", 1, so_far=1), output("One two", 2, so_far=2)]
        events.append(output("One two", 2, "length", so_far=2))
        assert await said(text(stream_of(events))) == "One two"
