"""Figures of the real scheduler, and their way to the front end's /metrics."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from andes_backend.engine.scheduler import AndesScheduler
from andes_backend.engine.tally import FALLBACKS, HINTS, PREEMPTIONS, TIERS, News
from andes_client import Expectation, wire
from andes_client.qoe import Meter
from tests import forked
from tests.engine.real_scheduler import Machine, engine_config, request

Metrics = dict[tuple[str, ...], float]
ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "metrics.md"


class Listening(AndesScheduler):
    """Keeps the news that it sends, and counts preemptions where they happen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.news: list[News] = []
        self.lost_memory = 0

    def update_from_output(self, *args: Any, **kwargs: Any) -> Any:
        outputs = super().update_from_output(*args, **kwargs)
        for output in outputs.values():
            news = getattr(output.scheduler_stats, "andes", None)
            if news is not None:
                self.news.append(news)
        return outputs

    def _preempt_request(self, *args: Any, **kwargs: Any) -> None:
        super()._preempt_request(*args, **kwargs)
        self.lost_memory += 1


def machine(model: Path, policy: str, blocks: int = 60, **settings: Any) -> Machine:
    andes = {"policy": policy, "plan_every_s": 0, **settings}
    config = engine_config(model, additional_config={"andes": andes})
    return Machine(config, blocks=blocks, scheduler_class=Listening, log_stats=True)


def serve(machine: Machine, expectation: Expectation, requests: int = 40) -> dict[str, Meter]:
    """What readers of all requests saw."""
    meters = {f"r{index}": Meter(expectation) for index in range(requests)}
    for index, name in enumerate(meters):
        made = request(name, 30 + 11 * (index % 7), 20 + 7 * (index % 5), wire.encode(expectation))
        machine.scheduler.add_request(made)
    while machine.scheduler.has_unfinished_requests():
        for output in machine.step(in_flight=1):
            for _ in output.new_token_ids:
                meters[output.request_id].add(machine.now)
    return meters


@pytest.mark.parametrize("policy", ["fcfs", "qoe", "round-robin"])
def test_the_news_adds_up_to_what_readers_saw(tiny_model: Path, policy: str) -> None:
    under_load = machine(tiny_model, policy, round_robin_tokens=5)
    meters = serve(under_load, Expectation(0.5, 12.0))
    news = under_load.scheduler.news
    qoe = [value for one in news for value in one.qoe.get("person", [])]
    assert sorted(qoe) == pytest.approx(sorted(meter.qoe for meter in meters.values()))
    assert min(qoe) < 0.9, "it was meant to be overloaded"
    assert sum(one.stalls for one in news) == sum(meter.stalls for meter in meters.values()) > 0
    assert sum(one.stalled_s for one in news) == pytest.approx(
        sum(meter.stalled for meter in meters.values())
    )
    preempted: Counter[str] = Counter()
    for one in news:
        preempted.update(one.preemptions)
    assert preempted.total() == under_load.scheduler.lost_memory > 0
    assert (preempted["policy"] > 0) == (policy == "round-robin")
    assert sum(len(one.planning_s) for one in news) == under_load.scheduler.andes_counters.steps


def test_waits_are_seen_while_they_last_and_are_over_in_the_end(tiny_model: Path) -> None:
    under_load = machine(tiny_model, "fcfs")
    serve(under_load, Expectation(0.5, 12.0))
    looks = [
        (one.overdue, one.longest_wait_s)
        for one in under_load.scheduler.news
        if one.overdue is not None
    ]
    assert len(looks) >= under_load.now - 1  # about once a second
    assert max(overdue for overdue, _ in looks) > 10
    assert 1.0 < max(longest or 0.0 for _, longest in looks) < under_load.now
    assert looks[-1] == (0, 0.0)


@pytest.mark.parametrize("policy", ["fcfs", "qoe"])
def test_routers_are_told_of_room_and_of_what_one_more_would_cost(
    tiny_model: Path, policy: str
) -> None:
    under_load = machine(tiny_model, policy)
    serve(under_load, Expectation(0.5, 12.0))
    looks = [one for one in under_load.scheduler.news if one.room is not None]
    assert len(looks) >= under_load.now - 1  # about once a second
    assert min(one.room or 0.0 for one in looks) == 0.0
    assert (looks[-1].room or 0.0) > 1.0, "nobody is left"
    losses = [one.loss for one in looks if one.loss is not None]
    if policy == "qoe":
        assert losses[-1] < 0.1 < max(losses)
    else:
        assert losses == []


def test_requests_are_counted_by_what_they_say(tiny_model: Path) -> None:
    idle = machine(tiny_model, "qoe", blocks=200)
    hints: list[Any] = [
        *(None, {"other": 1}, {"andes_user": "tenant"}),
        *({"andes_tds": 3}, {"andes_ttft": 0.2}),
        {"andes_tds": "inf"},
        *({"andes_tds": "fast"}, {"andes_ttft": [1]}, {"andes_user": 3}, {"andes_tds": 0}),
    ]
    for index, said in enumerate(hints):
        idle.scheduler.add_request(request(f"r{index}", 20, 3, said))
    while idle.scheduler.has_unfinished_requests():
        idle.step()
    counted: Counter[str] = Counter()
    for one in idle.scheduler.news:
        counted.update(one.hints)
    assert counted == {"none": 3, "reader": 2, "program": 1, "bad": 4}
    ended: Counter[str] = Counter()
    for one in idle.scheduler.news:
        ended.update({reader: len(qoe) for reader, qoe in one.qoe.items()})
    assert ended == {"person": 9, "program": 1}
    tiers: Counter[str] = Counter()
    service: Counter[str] = Counter()
    for one in idle.scheduler.news:
        tiers.update({tier: len(qoe) for tier, qoe in one.tier_qoe.items()})
        service.update(one.service)
    assert tiers == {"anonymous": 9, "named": 1}
    assert service == {"anonymous": 9 * (20 + 2 * 3), "named": 20 + 2 * 3}
    assert not idle.scheduler.andes_ledger._tier
    assert not idle.scheduler.andes_ledger._programs


def test_the_last_response_is_not_told_of_later_than_it_ends(tiny_model: Path) -> None:
    idle = machine(tiny_model, "qoe", blocks=200)
    idle.scheduler.add_request(request("only", 20, 5))
    while idle.scheduler.has_unfinished_requests():
        idle.step()
    last = idle.scheduler.news[-1]
    assert last.qoe == {"person": [1.0]}


def test_without_statistics_nothing_piles_up(tiny_model: Path) -> None:
    config = engine_config(tiny_model, additional_config={"andes": {"plan_every_s": 0}})
    quiet = Machine(config, blocks=60)
    serve(quiet, Expectation(0.5, 12.0))
    assert quiet.scheduler.andes_counters.responses == 40
    assert quiet.scheduler.andes_counters.take_news() == News()


def test_a_line_a_minute(tiny_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    slow = machine(tiny_model, "fcfs")
    slow.latency = lambda _: 1.0
    serve(slow, Expectation(0.5, 12.0))
    minutes = [r.getMessage() for r in caplog.records if "in the last minute" in r.getMessage()]
    assert len(minutes) == int(slow.now // 60) >= 2
    counters = slow.scheduler.andes_counters
    told = sum(int(line.split("in the last minute: ")[1].split()[0]) for line in minutes)
    assert 0 < told <= counters.responses == 40
    assert "with a mean QoE of 0." in minutes[-1]
    assert "0 of " in minutes[-1], "no plan failed"
    slow.now += 1000.0
    slow.step()
    assert len([r for r in caplog.records if "in the last minute" in r.getMessage()]) <= 1 + len(
        minutes
    )


def test_the_first_lines_say_what_it_will_do(
    tiny_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    machine(tiny_model, "round-robin", default_tds=3.3, bad_hints="refuse")
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("andes: ")]
    assert len(lines) == 2
    assert "policy round-robin" in lines[0]
    assert "vLLM preempts the request that has used most of its turn" in lines[0]
    assert "vLLM recomputes all of it (prefix caching is off)" in lines[0]
    assert "Metrics: andes:* on the server's /metrics" in lines[0]
    assert "3.3 tokens/s" in lines[1]
    assert "refused with HTTP 400" in lines[1]


@pytest.mark.parametrize(
    ("named", "settings", "said"),
    [
        ("andes", {}, "heard at POST /v1/andes/reports"),
        ("other,andes", {}, "heard at POST /v1/andes/reports"),
        ("andes", {"reports": False}, "not heard, because of the setting reports"),
        ("other", {}, "not heard, because VLLM_PLUGINS does not name andes"),
        (None, {}, "not heard, because VLLM_PLUGINS does not name andes"),
    ],
)
def test_they_say_whether_readers_are_heard(
    tiny_model: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    settings: dict[str, Any],
    said: str,
) -> None:
    if named is None:
        monkeypatch.delenv("VLLM_PLUGINS", raising=False)
    else:
        monkeypatch.setenv("VLLM_PLUGINS", named)
    machine(tiny_model, "qoe", **settings)
    (line,) = [r.getMessage() for r in caplog.records if "andes: policy" in r.getMessage()]
    assert line.endswith(f"Readers' reports: {said}.")


def test_a_vllm_without_such_plugins_is_said_to_be_one(
    tiny_model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_PLUGINS", "andes")
    monkeypatch.delattr("vllm.plugins.load_endpoint_plugins")
    machine(tiny_model, "qoe")
    assert "not heard, because this vLLM has no plug-ins for HTTP routes" in caplog.text


def metrics_of(front_end: str, model: Path) -> Metrics:
    """(name, engine, other label) -> value, of one of the programs in front_end.py."""
    command = [sys.executable, "-m", "tests.engine.front_end", str(model), front_end]
    ran = forked.run(command, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    out = ran.stdout
    text = out[out.index("# HELP") :]
    values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.startswith("andes:"):
                assert sample.labels.pop("model_name") == "tiny"
                key = (sample.name, *(sample.labels[name] for name in sorted(sample.labels)))
                values[key] = sample.value
    return values


@pytest.fixture(scope="module")
def found(tiny_model: Path) -> Metrics:
    return metrics_of("ours", tiny_model)


def test_news_arrives_on_the_metrics_of_each_rank(found: Metrics) -> None:
    assert found["andes:request_qoe_count", "0", "person"] == 4
    assert found["andes:request_qoe_sum", "0", "person"] == pytest.approx(2.82)
    assert found["andes:request_qoe_bucket", "0", "0.95", "person"] == 2
    assert found["andes:user_request_qoe_count", "0", "anonymous"] == 3
    assert found["andes:user_request_qoe_sum", "0", "weighted"] == 0.5
    assert found["andes:user_request_qoe_count", "1", "named"] == 0
    assert found["andes:service_total", "0", "weighted"] == 120.5
    assert found["andes:service_total", "0", "named"] == 20.0
    assert found["andes:request_qoe_count", "0", "program"] == 0
    assert found["andes:request_qoe_sum", "1", "program"] == 0.8
    assert found["andes:stalls_total", "0"] == 2
    assert found["andes:stall_seconds_total", "0"] == 3.5
    assert found["andes:preemptions_total", "0", "memory"] == 4
    assert found["andes:preemptions_total", "0", "policy"] == 1
    assert found["andes:reports_total", "0"] == 9
    assert found["andes:readers_gone_total", "0"] == 2
    assert found["andes:reports_total", "1"] == 0
    assert found["andes:num_requests_overdue", "0"] == 7
    assert found["andes:longest_wait_seconds", "0"] == 12.5
    assert found["andes:room_requests", "0"] == 2.5
    assert found["andes:next_request_loss", "0"] == 0.25
    assert found["andes:planning_time_seconds_count", "1"] == 1
    assert found["andes:planning_fallbacks_total", "1", "invalid"] == 2
    assert found["andes:requests_total", "1", "program"] == 1
    assert found["andes:requests_total", "1", "bad"] == 1


def test_every_label_is_there_from_the_start_and_there_are_no_more(found: Metrics) -> None:
    labels = {key for key in found if key[0].endswith("_total") and len(key) == 3}
    assert labels == {
        (name, engine, value)
        for name, values in (
            ("andes:preemptions_total", PREEMPTIONS),
            ("andes:planning_fallbacks_total", FALLBACKS),
            ("andes:requests_total", HINTS),
            ("andes:service_total", TIERS),
        )
        for engine in ("0", "1")
        for value in values
    }


def test_a_front_end_without_us_ignores_the_news(tiny_model: Path) -> None:
    assert metrics_of("stock", tiny_model) == {}


def test_every_metric_is_in_the_document(found: Metrics) -> None:
    text = DOCUMENT.read_text()
    for name in {key[0] for key in found}:
        base = name
        for suffix in ("_bucket", "_count", "_sum", "_created"):
            base = base.removesuffix(suffix)
        if not name.endswith("_created"):
            assert f"`{base}`" in text, f"docs/metrics.md does not explain {base}"
