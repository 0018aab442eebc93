"""What the scheduler tells the operator in the server's log."""

from typing import Final

from vllm.config import VllmConfig

from andes_backend.config import AndesConfig
from andes_backend.engine import plugin
from andes_backend.engine.tally import Counters

__all__ = ["MinuteLine", "start_lines"]

_MINUTE_S: Final = 60.0
_VICTIMS: Final = {
    "fcfs": "the request that came last gives its memory up, as in stock vLLM",
    "round-robin": "whoever has had most of a turn gives its memory up",
}


def start_lines(config: AndesConfig, vllm: VllmConfig, log_stats: bool) -> list[str]:
    """What the scheduler will do, in two lines.

    Args:
        config: our settings.
        vllm: the server's.
        log_stats: whether vLLM has statistics at all.
    """
    victim = _VICTIMS.get(config.policy, "whoever loses least by it gives its memory up")
    hints = "refused with HTTP 400" if config.bad_hints == "refuse" else "ignored"
    return [
        f"policy {config.policy}. When KV memory runs out, {victim}; {_resume(vllm)}. "
        f"Metrics: {_metrics(log_stats)}.",
        "a request that says nothing about its reader counts as one who expects the first token "
        f"within {config.default_ttft:g} s and then {config.default_tds:g} tokens/s; a program "
        f'("inf") as one of {config.program_tds:g} tokens/s; hints that make no sense are '
        f"{hints}. All settings: {config}",
    ]


def _resume(vllm: VllmConfig) -> str:
    """What becomes of the memory that a preempted request has given up."""
    if vllm.kv_transfer_config is not None and vllm.kv_transfer_config.kv_connector:
        return f"it comes back through {vllm.kv_transfer_config.kv_connector}, or is recomputed"
    if vllm.cache_config.enable_prefix_caching:
        return "what has been overwritten by the time it resumes is recomputed"
    return "it is recomputed when it resumes (prefix caching is off)"


def _metrics(log_stats: bool) -> str:
    if not log_stats:
        return "none, because of --disable-log-stats"
    if not plugin.is_loaded():
        return f"none, because VLLM_PLUGINS leaves {plugin.NAME} out"
    return "andes:* on the server's /metrics"


class MinuteLine:
    """The line that sums up the last minute, if there was anything.

    Args:
        counters: what happens.
        now: seconds on the scheduler's clock.
    """

    def __init__(self, counters: Counters, now: float) -> None:
        self._counters = counters
        self._next = now + _MINUTE_S
        self._before = self._figures()

    def due(self, now: float) -> str | None:
        """The line, once a minute; None in between, and after a minute without any event."""
        if now < self._next:
            return None
        self._next = now + _MINUTE_S
        before, self._before = self._before, self._figures()
        since = {name: value - before[name] for name, value in self._before.items()}
        if not any(since.values()):
            return None
        responses = int(since["responses"])
        qoe = f" with a mean QoE of {since['qoe_sum'] / responses:.3f}" if responses else ""
        return (
            f"in the last minute: {responses} responses{qoe}; {since['stalls']:.0f} stalls of "
            f"{since['stalled_s']:.0f} s in all; {since['memory']:.0f} preemptions for lack of "
            f"memory, {since['policy']:.0f} by the policy; "
            f"{since['fallbacks']:.0f} of {since['steps']:.0f} plans failed or were slow"
        )

    def _figures(self) -> dict[str, float]:
        counters = self._counters
        return {
            "responses": counters.responses,
            "qoe_sum": counters.qoe_sum,
            "stalls": counters.stalls,
            "stalled_s": counters.stalled_s,
            "memory": counters.preempted["memory"],
            "policy": counters.preempted["policy"],
            "fallbacks": counters.fallbacks,
            "steps": counters.steps,
        }
