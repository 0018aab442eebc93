"""What the scheduler tells the operator in the server's log."""

import os
from typing import Final

from vllm.config import VllmConfig

from andes_backend.config import AndesConfig
from andes_backend.engine import plugin, versions
from andes_backend.engine.tally import Counters
from andes_client import wire

__all__ = ["MinuteLine", "start_lines"]

_MINUTE_S: Final = 60.0
_VICTIMS: Final = {
    "fcfs": "the last request to arrive, as in stock vLLM",
    "round-robin": "the request that has used most of its turn",
    "vtc": "a request of the user who has received most",
}


def start_lines(config: AndesConfig, vllm: VllmConfig, log_stats: bool) -> list[str]:
    """Two lines: what the scheduler will do, and all settings.

    Args:
        config: our settings.
        vllm: the server's.
        log_stats: whether vLLM has statistics at all.
    """
    victim = _VICTIMS.get(config.policy, "the request that loses least")
    hints = "refused with HTTP 400" if config.bad_hints == "refuse" else "ignored"
    return [
        f"policy {config.policy}. When KV memory runs out, vLLM preempts {victim}; "
        f"{_resume(vllm)}. Metrics: {_metrics(log_stats)}. Readers' reports: {_reports(config)}.",
        "for a request without hints, the scheduler assumes a reader who expects the first token "
        f"within {config.default_ttft:g} s and then {config.default_tds:g} tokens/s; it plans a "
        f'program ("inf") at {config.program_tds:g} tokens/s; invalid hints are {hints}. '
        f"All settings: {config}",
    ]


def _resume(vllm: VllmConfig) -> str:
    """Where a preempted request gets its KV cache from when it resumes."""
    if vllm.kv_transfer_config is not None and vllm.kv_transfer_config.kv_connector:
        return (
            f"{vllm.kv_transfer_config.kv_connector} restores its KV cache, or vLLM recomputes it"
        )
    if vllm.cache_config.enable_prefix_caching:
        return "when it resumes, vLLM recomputes the blocks that were overwritten"
    return "when it resumes, vLLM recomputes all of it (prefix caching is off)"


def _metrics(log_stats: bool) -> str:
    if not log_stats:
        return "none, because of --disable-log-stats"
    if not plugin.is_loaded():
        return f"none, because VLLM_PLUGINS does not name {plugin.NAME}"
    return "andes:* on the server's /metrics"


def _reports(config: AndesConfig) -> str:
    """Whether a front end hears what readers report."""
    if not config.reports:
        return "not heard, because of the setting reports"
    if not versions.has_endpoint_plugins():
        return "not heard, because this vLLM has no plug-ins for HTTP routes"
    if plugin.NAME not in os.environ.get("VLLM_PLUGINS", "").split(","):
        return f"not heard, because VLLM_PLUGINS does not name {plugin.NAME}"
    return f"heard at POST /v1/{wire.REPORTS_PATH}"


class MinuteLine:
    """The log line that sums up the last minute, if anything happened.

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
            f"in the last minute: {responses} responses{qoe}; {since['stalls']:.0f} stalls, "
            f"{since['stalled_s']:.0f} s in total; {since['memory']:.0f} preemptions for lack of "
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
