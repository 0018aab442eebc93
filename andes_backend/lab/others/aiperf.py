"""What AIPerf writes with `--export-level raw` (0.13): `profile_export_raw.jsonl`, a record a line.

A record has the request as it was sent, and every event of its answer with the time at which it
came. So the times of the tokens are exact where the server tells how many are in each event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from andes_backend.lab.others.events import Events
from andes_backend.lab.others.found import Found, UnreadableError, seconds, whole_number
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run
from andes_backend.lab.workload import Request
from andes_client.expectation import Expectation

__all__ = ["is_aiperf_record", "read_aiperf_records"]

_A_SECOND: Final = 1e9
_MEASURED: Final = "profiling"
_LIMITS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one record says."""

    sent_ns: int
    """By the wall clock: of requests sent by different workers, this one can be compared."""
    asked: Mapping[str, Any]
    events: Events
    failure: str | None


def is_aiperf_record(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a record of AIPerf's raw export."""
    return {"metadata", "start_perf_ns", "responses"} <= value.keys()


def read_aiperf_records(
    records: Iterable[tuple[int, Mapping[str, Any]]], label: str, expectation: Expectation
) -> Found:
    """Read a raw export. Requests of the warm-up are left out.

    Args:
        records: each with the number of its line, from 1.
        label: of the run.
        expectation: of all its readers.

    Raises:
        UnreadableError: a record is not what it should be; names the line.
    """
    answers = []
    for number, record in records:
        try:
            if record["metadata"]["benchmark_phase"] == _MEASURED:
                answers.append(_answer(record))
        except UnreadableError as error:
            raise UnreadableError(f"line {number}: {error}") from None
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise UnreadableError(
                f"line {number} is no record of AIPerf's raw export "
                f"({type(error).__name__}: {error})"
            ) from None
    answers.sort(key=lambda one: one.sent_ns)
    began = answers[0].sent_ns if answers else 0
    outcomes = [
        _outcome(index, one, (one.sent_ns - began) / _A_SECOND, expectation)
        for index, one in enumerate(answers)
    ]
    settings = {"made by": "AIPerf", "model": answers[0].asked.get("model") if answers else None}
    return Found(Run(label, settings, tuple(outcomes), len(outcomes)), _remarks(answers))


def _answer(record: Mapping[str, Any]) -> _Answer:
    start = whole_number(record["start_perf_ns"], "start_perf_ns")
    events = Events()
    for response in record["responses"]:
        if "packets" not in response:
            raise UnreadableError("its answer was not streamed: run AIPerf with --streaming")
        time = seconds((response["perf_ns"] - start) / _A_SECOND, "the time of an event")
        for packet in response["packets"]:
            if packet["name"] == "data" and packet.get("value"):
                events.add(packet["value"], time)
    if events.several:
        raise UnreadableError("it has several answers (n): QoE is of a reader of one")
    sent = whole_number(record["metadata"]["request_start_ns"], "request_start_ns")
    return _Answer(sent, record.get("payload") or {}, events, _failure(record, events))


def _failure(record: Mapping[str, Any], events: Events) -> str | None:
    error = record.get("error")
    if error:
        return str(error["message"])
    if record["metadata"].get("was_cancelled"):
        return "it was cancelled"
    if events.failure is not None:
        return f"the server reports: {events.failure}"
    came, wanted = len(events.times()), _fixed_length(record.get("payload") or {})
    if not came:
        return "it got no answer"
    if not events.ended:
        return f"the stream broke off after {came} tokens"
    if events.usage not in (None, came):
        return f"received {came} tokens; the server counted {events.usage}"
    return None if wanted in (None, came) else f"received {came} tokens instead of {wanted}"


def _outcome(index: int, one: _Answer, sent: float, expectation: Expectation) -> Outcome:
    times = one.events.times()
    wanted = _fixed_length(one.asked) or len(times)
    request = Request(sent, max(1, _prompt_tokens(one) or 0), max(1, wanted), expectation)
    return Outcome(index, request, sent, times, one.failure)


def _prompt_tokens(one: _Answer) -> int | None:
    """As the server counted them, or else as they were sent; None if neither says."""
    prompt = one.asked.get("prompt")
    if one.events.prompt is None and isinstance(prompt, list) and set(map(type, prompt)) == {int}:
        return len(prompt)
    return one.events.prompt


def _fixed_length(asked: Mapping[str, Any]) -> int | None:
    """Tokens of an answer whose length the request has fixed; None if it has not."""
    most = next((asked[name] for name in _LIMITS if asked.get(name)), None)
    fixed = asked.get("ignore_eos") is True or asked.get("min_tokens") == most
    return most if fixed and isinstance(most, int) and not isinstance(most, bool) else None


def _remarks(answers: Sequence[_Answer]) -> tuple[str, ...]:
    said, of = [], len(answers)
    uncounted = sum(one.events.usage is None and not one.events.tokens for one in answers)
    if shared := sum(one.events.is_shared_out for one in answers):
        said.append(
            f"{shared} of {of} answers came in fewer events than tokens: the first is taken to "
            "have one, and each of the others as many as any other. With --extra-inputs "
            "return_token_ids:true vLLM tells"
        )
    if uncounted:
        said.append(
            f"of {uncounted} of {of} answers the server tells no number of tokens: each event "
            "counts as one. With --use-server-token-count AIPerf asks for it"
        )
    if unknown := sum(_prompt_tokens(one) is None for one in answers):
        said.append(f"the prompts of {unknown} of {of} requests are of unknown length, shown as 1")
    return tuple(said)
