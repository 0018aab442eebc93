"""Small files as `vllm bench serve` and AIPerf write them."""

import json
from typing import Any

__all__ = ["chat_chunk", "chunk", "record", "vllm_result"]

SECOND = 1_000_000_000


def vllm_result(**changed: Any) -> dict[str, Any]:
    """Two requests, a second apart; the first gets three tokens in three chunks, the other four
    in two."""
    return {
        "date": "20261129-110000",
        "backend": "openai",
        "model_id": "tiny",
        "num_prompts": 2,
        "request_rate": 1.0,
        "max_concurrency": None,
        "duration": 5.0,
        "start_times": [100.0, 101.0],
        "ttfts": [0.5, 2.0],
        "itls": [[0.1, 0.2], [1.0]],
        "input_lens": [7, 8],
        "output_lens": [3, 4],
        "errors": ["", ""],
        **changed,
    }


def chunk(text: str, ids: list[int] | None = None, **more: Any) -> dict[str, Any]:
    """An event of /v1/completions."""
    choice: dict[str, Any] = {"index": 0, "text": text, **more}
    if ids is not None:
        choice["token_ids"] = ids
    return {"object": "text_completion", "choices": [choice]}


def chat_chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event of /v1/chat/completions."""
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **more}]}


def record(
    *events: tuple[float, dict[str, Any] | str],
    sent: float = 0.0,
    asked: dict[str, Any] | None = None,
    phase: str = "profiling",
    **more: Any,
) -> dict[str, Any]:
    """A line of AIPerf's raw export: each event with the seconds after which it came."""
    start = int((50 + sent) * SECOND)
    return {
        "metadata": {"request_start_ns": int((1e9 + sent) * SECOND), "benchmark_phase": phase},
        "start_perf_ns": start,
        "payload": {"model": "tiny", **(asked or {})},
        "status": 200,
        "responses": [
            {
                "perf_ns": start + int(time * SECOND),
                "packets": [
                    {
                        "name": "data",
                        "value": event if isinstance(event, str) else json.dumps(event),
                    }
                ],
            }
            for time, event in events
        ],
        **more,
    }
