"""What a file has of one request; `andes_backend.lab.report.read` reads it back."""

import math
from dataclasses import asdict
from typing import Any

from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.workload import Request
from andes_backend.lab.workload.behaviour import STEADY
from andes_client.expectation import Expectation

__all__ = ["request_record"]


def request_record(outcome: Outcome) -> dict[str, Any]:
    """The request, what became of it and all its token times: a JSON object."""
    request = outcome.request
    ttft, tds = _plain(request.expectation)
    return {
        "index": outcome.index,
        "arrival_s": round(request.arrival_s, 6),
        "submitted_s": round(outcome.submitted_s, 6),
        "prompt_tokens": request.prompt_tokens,
        "output_tokens": request.output_tokens,
        "user": request.user,
        "expected_ttft": ttft,
        "expected_tds": tds,
        **_told(request),
        **_behaviour(request),
        "qoe": outcome.qoe,
        "error": outcome.error,
        "token_times_s": [round(time, 4) for time in outcome.times],
    }


def _told(request: Request) -> dict[str, Any]:
    """What the server was told of the reader, where that was not the truth."""
    if request.hint == request.expectation:
        return {}
    ttft, tds = _plain(request.hint)
    return {"told_ttft": ttft, "told_tds": tds}


def _behaviour(request: Request) -> dict[str, Any]:
    """What the reader did beside reading on, if anything."""
    return {} if request.behaviour == STEADY else {"behaviour": asdict(request.behaviour)}


def _plain(expectation: Expectation | None) -> tuple[float | None, float | str | None]:
    """TTFT and TDS for a file; None if the server was told nothing."""
    if expectation is None:
        return None, None
    tds = expectation.tds
    return expectation.ttft, "inf" if math.isinf(tds) else tds  # JSON has no infinity
