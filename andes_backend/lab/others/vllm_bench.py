"""What `vllm bench serve --save-result --save-detailed` writes (vLLM 0.29 to 0.33): one object.

It has lists with an entry for each request: when it was sent, the time to its first chunk, the gaps
between its chunks, and how many tokens the server counted. The chunks' own tokens are not there:
where answers came in fewer chunks than tokens, `chunks.py` finds out how many each had, or nearly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from andes_backend.lab.others.chunks import token_times
from andes_backend.lab.others.found import Found, UnreadableError, seconds, token_count
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.workload import Request
from andes_client.expectation import Expectation

__all__ = ["is_vllm_result", "read_vllm_result"]

_DETAILS: Final = ("start_times", "ttfts", "itls", "input_lens", "output_lens", "errors")
_KEPT: Final = ("date", "backend", "model_id", "request_rate", "max_concurrency")

# Of these the first chunk has the role and no text; vLLM sends it right before the first text.
_CHAT: Final = "openai-chat"

_HELD_BACK_S: Final = 0.25  # enough to show in the TTFT of a reader who expects 1 s


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the file says of one request."""

    sent: float
    """Seconds since the first was sent."""
    prompt: int
    tokens: int
    chunks: Sequence[float]
    """When those with text came, seconds since it was sent."""
    failure: str | None


def is_vllm_result(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is such a result, with or without the details."""
    return {"backend", "model_id", "num_prompts", "duration"} <= value.keys()


def read_vllm_result(value: Mapping[str, Any], label: str, expectation: Expectation) -> Found:
    """Read it.

    Args:
        value: the object, of which `is_vllm_result` holds.
        label: of the run.
        expectation: of all its readers.

    Raises:
        UnreadableError: the details are missing, or are not what they should be.
    """
    if missing := [name for name in _DETAILS if name not in value]:
        raise UnreadableError(
            f"it has no {missing[0]}: QoE needs the times of each request. Run `vllm bench serve` "
            "with --save-result --save-detailed, against a model that makes text"
        )
    rows = _rows(value)
    began = min((seconds(row["start_times"], "start_times") for row in rows), default=0.0)
    chat = value["backend"] == _CHAT
    answers = [_answer(i, row, began, chat) for i, row in enumerate(rows)]
    times = token_times(
        [one.chunks for one in answers],
        [len(one.chunks) if one.failure else one.tokens for one in answers],
        [one.sent for one in answers],
    )
    outcomes = [_outcome(i, answers[i], times[i], expectation) for i in range(len(answers))]
    settings = {"made by": "vllm bench serve", **{n: value[n] for n in _KEPT if n in value}}
    remarks = [*_shared_out(answers), *_held_back(value)]
    return Found(Run(label, settings, tuple(outcomes), len(outcomes)), tuple(remarks))


def _rows(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One mapping of the details for each request."""
    lists = [value[name] for name in _DETAILS]
    if not all(isinstance(one, list) for one in lists) or len({len(one) for one in lists}) != 1:
        raise UnreadableError(f"{', '.join(_DETAILS)} must be lists of the same length")
    return [dict(zip(_DETAILS, row, strict=True)) for row in zip(*lists, strict=True)]


def _answer(index: int, row: Mapping[str, Any], began: float, chat: bool) -> _Answer:
    try:
        tokens = token_count(row["output_lens"], "output_lens")
        chunks = _chunk_times(row, chat)
        prompt = token_count(row["input_lens"], "input_lens")
        sent = seconds(row["start_times"], "start_times") - began
    except UnreadableError as error:
        raise UnreadableError(f"request {index}: {error}") from None
    return _Answer(sent, prompt, tokens, chunks, _failure(row["errors"], tokens))


def _outcome(
    index: int, one: _Answer, times: tuple[float, ...], expectation: Expectation
) -> Outcome:
    length = max(1, one.tokens, len(times))
    request = Request(one.sent, max(1, one.prompt), length, expectation)
    return Outcome(index, request, one.sent, times, one.failure)


def _chunk_times(row: Mapping[str, Any], chat: bool) -> Sequence[float]:
    """When each chunk with text came, seconds since the request was sent; none of one that failed
    before its first."""
    first = seconds(row["ttfts"], "ttfts")
    if not isinstance(row["itls"], list):
        raise UnreadableError("itls must be a list of lists")
    gaps = [seconds(gap, "itls") for gap in row["itls"]]
    if not first:
        return ()
    times = list(accumulate(gaps, initial=first))
    return times[1:] if chat and gaps else times


def _failure(error: object, tokens: int) -> str | None:
    """The last line of a traceback says what it was; some failures have no message."""
    text = str(error or "").strip()
    if text:
        return text.splitlines()[-1]
    return None if tokens else "it got no answer"


def _shared_out(answers: Sequence[_Answer]) -> list[str]:
    fewer = sum(0 < len(one.chunks) < one.tokens for one in answers)
    if not fewer:
        return []
    return [
        f"{fewer} of {len(answers)} answers came in fewer chunks than tokens: chunks that came at "
        "the same time, of any answers, are taken to have as many as each other"
    ]


def _held_back(value: Mapping[str, Any]) -> list[str]:
    """The client lets requests wait with --max-concurrency, and where it is too busy to send them;
    its times leave that out."""
    queue = value.get("queue_times")
    waits = queue if isinstance(queue, list) else []
    longest = max((wait for wait in waits if isinstance(wait, int | float)), default=0.0)
    if longest < _HELD_BACK_S:
        return []
    who = "a busy client" if value.get("max_concurrency") is None else "--max-concurrency"
    return [
        f"{who} held requests back for up to {longest:.1f} s before they were sent: these waits "
        "are not in the file's times, and not in QoE"
    ]
