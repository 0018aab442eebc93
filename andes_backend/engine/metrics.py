"""Our figures on the server's own /metrics, beside vLLM's.

The engine core, where the scheduler runs, is a process of its own, one per data-parallel
rank; Prometheus' registry is in the front end. vLLM sends its scheduler's statistics from
one to the other with the tokens of each step. Ours travel in them, as one more field: a
front end that does not know it ignores it.

Of vLLM, 0.29 to 0.33 alike, this relies on: `EngineCoreOutputs.scheduler_stats`, an annotated
dataclass that is sent as a map of its fields; `PrometheusStatLogger`'s `record`, its
`per_engine_labelvalues` and its private `_counter_cls`, `_gauge_cls` and `_histogram_cls`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import REGISTRY
from vllm.logger import init_logger
from vllm.v1.engine import EngineCoreOutputs
from vllm.v1.metrics.loggers import PrometheusStatLogger
from vllm.v1.metrics.stats import SchedulerStats

from andes_backend.engine.tally import FALLBACKS, HINTS, PREEMPTIONS, READERS, TIERS, News
from andes_backend.engine.wrap import wrap

__all__ = ["PREFIX", "Metrics", "StatsWithNews", "receive_news", "send_news"]

_log = init_logger("vllm.andes")  # a child of vLLM's logger, so that it is shown

PREFIX: Final = "andes:"
"""Every metric's name begins so, as vLLM's begin with `vllm:`."""

_LABELS: Final = ["model_name", "engine"]  # vLLM's own
_QOE: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_SECONDS: Final = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)


@dataclass
class StatsWithNews(SchedulerStats):
    """vLLM's statistics of a step, with ours."""

    andes: News | None = None
    """What has happened in the scheduler since the last step that had a sender."""


def send_news(outputs: Iterable[EngineCoreOutputs], news: News) -> None:
    """In the engine core: put the news on the step's outputs that carry vLLM's statistics.

    Without `log_stats` there are none, and the news is dropped: the front end has no metrics.
    """
    for output in outputs:
        if output.scheduler_stats is not None:
            output.scheduler_stats = StatsWithNews(**vars(output.scheduler_stats), andes=news)
            return


def receive_news() -> None:
    """In a front end: read the news and show it on /metrics. To be called before the engine
    is made; a second call changes nothing."""
    # What the decoder makes of the field: vLLM makes it when it makes its client of the engine
    # core, later than this, and msgspec reads the annotations then.
    EngineCoreOutputs.__annotations__["scheduler_stats"] = StatsWithNews | None
    # On vLLM's own class, so that Ray's variant of it, a subclass, shows them as well.
    wrap(PrometheusStatLogger, "__init__", _making)
    wrap(PrometheusStatLogger, "record", _recording)


class Metrics:
    """The Prometheus metrics, docs/metrics.md, for all engines of a front end.

    Args:
        logger: vLLM's; its classes of metrics are used (Prometheus' or Ray's), its engines
            and the labels of these.
    """

    def __init__(self, logger: PrometheusStatLogger) -> None:
        _unregister()
        self._kinds = logger
        self._engines: Mapping[int, Sequence[object]] = logger.per_engine_labelvalues
        self._qoe = self._by(
            self._histogram("request_qoe", "QoE of finished responses.", _QOE, "reader"), READERS
        )
        self._tier_qoe = self._by(
            self._histogram("user_request_qoe", "QoE by tier of user.", _QOE, "tier"), TIERS
        )
        self._service = self._counters(
            "service", "Service charged to requests, in prompt tokens.", "tier", TIERS
        )
        self._planning = self._per_engine(
            self._histogram("planning_time_seconds", "Time that each plan took.", _SECONDS)
        )
        self._stalls = self._counter(
            "stalls", "Waits for text that was due, after the first token."
        )
        self._stalled = self._counter("stall_seconds", "Total length of the stalls.")
        self._forecasts = self._counter(
            "forecasts", "Waits that have ended and had a forecast when they began."
        )
        self._held = self._counter(
            "forecasts_held", "Those of them that ended within its 90th percentile."
        )
        self._preemptions = self._counters(
            "preemptions", "Preempted requests.", "reason", PREEMPTIONS
        )
        self._fallbacks = self._counters(
            "planning_fallbacks", "Plans that failed or were slow.", "reason", FALLBACKS
        )
        self._hints = self._counters(
            "requests", "Requests by their hints about the reader.", "hint", HINTS
        )
        self._reports = self._counter("reports", "Reports of readers that were news of a request.")
        self._gone = self._counter("readers_gone", "Requests aborted as their reader was gone.")
        self._overdue = self._gauge(
            "num_requests_overdue", "Requests whose reader waits for text that is due."
        )
        self._expected = self._gauge(
            "expected_wait_seconds", "How long a request that arrives waits, in half of the cases."
        )
        self._room = self._gauge(
            "room_requests", "How many more average requests could be held now."
        )
        self._loss = self._gauge("next_request_loss", "QoE that readers lose by one more request.")
        self._longest = self._gauge("longest_wait_seconds", "The longest of these waits.")

    def observe(self, news: News, engine: int) -> None:
        """Add what has happened in one engine."""
        if engine not in self._engines:
            return  # vLLM says so in its log
        for children, by_value in ((self._qoe, news.qoe), (self._tier_qoe, news.tier_qoe)):
            for value, figures in by_value.items():
                for qoe in figures:
                    children[engine, value].observe(qoe)
        for seconds in news.planning_s:
            self._planning[engine].observe(seconds)
        if news.stalls:
            self._stalls[engine].inc(news.stalls)
            self._stalled[engine].inc(news.stalled_s)
        if news.forecasts:
            self._forecasts[engine].inc(news.forecasts)
            self._held[engine].inc(news.forecasts_held)
        if news.reports:
            self._reports[engine].inc(news.reports)
            self._gone[engine].inc(news.gone)
        counted: Sequence[tuple[Any, Mapping[str, float]]] = (
            (self._preemptions, news.preemptions),
            (self._fallbacks, news.fallbacks),
            (self._hints, news.hints),
            (self._service, news.service),
        )
        for children, counts in counted:
            for value, count in counts.items():
                children[engine, value].inc(count)
        if news.overdue is not None:
            self._overdue[engine].set(news.overdue)
        if news.expected_wait_s is not None:
            self._expected[engine].set(news.expected_wait_s)
        if news.room is not None:
            self._room[engine].set(news.room)
        if news.loss is not None:
            self._loss[engine].set(news.loss)
        if news.longest_wait_s is not None:
            self._longest[engine].set(news.longest_wait_s)

    def _histogram(
        self, name: str, meaning: str, buckets: Sequence[float], *more_labels: str
    ) -> Any:
        return self._kinds._histogram_cls(
            name=PREFIX + name,
            documentation=meaning,
            labelnames=[*_LABELS, *more_labels],
            buckets=list(buckets),
        )

    def _counter(self, name: str, meaning: str) -> dict[int, Any]:
        made = self._kinds._counter_cls(
            name=PREFIX + name, documentation=meaning, labelnames=_LABELS
        )
        return self._per_engine(made)

    def _gauge(self, name: str, meaning: str) -> dict[int, Any]:
        made = self._kinds._gauge_cls(
            name=PREFIX + name,
            documentation=meaning,
            labelnames=_LABELS,
            multiprocess_mode="mostrecent",
        )
        return self._per_engine(made)

    def _counters(
        self, name: str, meaning: str, label: str, values: Sequence[str]
    ) -> dict[tuple[int, str], Any]:
        made = self._kinds._counter_cls(
            name=PREFIX + name, documentation=meaning, labelnames=[*_LABELS, label]
        )
        return self._by(made, values)

    def _by(self, made: Any, values: Sequence[str]) -> dict[tuple[int, str], Any]:
        """One for each engine and value of the last label: all are there from the start."""
        return {
            (engine, value): made.labels(*labels, value)
            for engine, labels in self._engines.items()
            for value in values
        }

    def _per_engine(self, made: Any) -> dict[int, Any]:
        return {engine: made.labels(*labels) for engine, labels in self._engines.items()}


def _unregister() -> None:
    """A second engine in one process replaces the first one's metrics, as vLLM's own do.

    It reads prometheus_client's private map, as vLLM does for its own.
    """
    for collector in list(REGISTRY._collector_to_names):
        if getattr(collector, "_name", "").startswith(PREFIX):
            REGISTRY.unregister(collector)


def _making(make: Callable[..., None]) -> Callable[..., None]:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        make(self, *args, **kwargs)
        self.andes_metrics = None
        try:
            self.andes_metrics = Metrics(self)
        except Exception:
            _log.exception("andes: cannot create the %s metrics", PREFIX)

    return __init__


def _recording(record: Callable[..., None]) -> Callable[..., None]:
    def recorded(
        self: Any, scheduler_stats: Any, iteration_stats: Any, *args: Any, **kwargs: Any
    ) -> None:
        record(self, scheduler_stats, iteration_stats, *args, **kwargs)
        news = getattr(scheduler_stats, "andes", None)
        if news is None or self.andes_metrics is None:
            return
        try:
            self.andes_metrics.observe(news, kwargs.get("engine_idx", 0))
        except Exception:  # it must not end the front end's loop
            self.andes_metrics = None
            _log.exception("andes: the %s metrics are no longer updated", PREFIX)

    return recorded
