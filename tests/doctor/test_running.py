"""What the doctor says of a running server, by what that says of itself."""

import math
import socket

import pytest

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding, Level
from andes_backend.doctor.running import check_running
from andes_client import cli
from tests.doctor.pages import ENDLESS, MODELS, VERSION, cache, lines, serving

HEALTHY = {
    "vllm:kv_cache_usage_perc{}": 0.4,
    "vllm:num_requests_running{}": 3,
    "vllm:num_requests_waiting{}": 0,
    "vllm:num_preemptions_total{}": 2,
    'vllm:request_success_total{finished_reason="stop"}': 60,
    'vllm:request_success_total{finished_reason="length"}': 40,
    'andes:request_qoe_bucket{reader="person",le="0.9"}': 10,
    'andes:request_qoe_count{reader="person"}': 100,
    'andes:request_qoe_sum{reader="person"}': 95,
    'andes:request_qoe_count{reader="program"}': 10,
    'andes:request_qoe_sum{reader="program"}': 0,
    'andes:requests_total{hint="reader"}': 80,
    'andes:requests_total{hint="program"}': 15,
    'andes:requests_total{hint="none"}': 5,
    'andes:requests_total{hint="bad"}': 0,
    'andes:planning_fallbacks_total{reason="raised"}': 0,
    'andes:planning_fallbacks_total{reason="slow"}': 0,
    "andes:planning_time_seconds_sum{}": 0.5,
    "andes:planning_time_seconds_count{}": 1000,
    "andes:num_requests_overdue{}": 0,
    "andes:longest_wait_seconds{}": 0,
}


REPORTS = "/v1/andes/reports"


def looked_at(
    values: dict[str, float], config: str = "", reports: int = 405
) -> dict[str, list[Finding]]:
    """The findings about a server with these metrics, by topic.

    A GET of the route for readers' reports is answered with `reports`: 405 where it is open.
    """
    pages = {
        "/v1/models": MODELS,
        "/version": VERSION,
        "/metrics": (config or cache()) + lines(values),
    }
    found: dict[str, list[Finding]] = {}
    with serving(pages, {REPORTS: reports}) as url:
        for finding in check_running(url):
            found.setdefault(finding.topic, []).append(finding)
    return found


def levels(found: dict[str, list[Finding]]) -> set[Level]:
    return {finding.level for findings in found.values() for finding in findings}


def test_a_healthy_server_is_all_right_and_its_figures_are_told() -> None:
    found = looked_at(HEALTHY)
    assert levels(found) == {OK}
    assert "vLLM 0.32.0, tiny" in found["server"][0].what
    assert found["KV memory"][0].what == "1,600 tokens, 40% full; 3 requests run, 0 wait"
    assert found["preemptions"][0].what == "2 for 100 finished requests, 0.02 each"
    assert (
        found["QoE"][0].what == "0.950 on average over 100 responses to people; 90% are above 0.9"
    )
    assert found["hints"][0].what == "95% of 100 requests describe their reader"
    assert found["planning"][0].what == "0.50 ms per plan on average; never failed"


def test_a_server_that_has_served_nobody_yet_is_all_right() -> None:
    assert levels(looked_at({**dict.fromkeys(HEALTHY, 0.0)})) == {OK}


def test_a_server_that_does_not_hear_its_readers_is_told_how_it_would() -> None:
    (finding,) = looked_at(HEALTHY, reports=404)["reports"]
    assert finding.level == BETTER
    assert "HTTP 404" in finding.what
    assert finding.do is not None
    assert "VLLM_PLUGINS=andes" in finding.do
    (finding,) = looked_at(HEALTHY)["reports"]
    assert (finding.level, finding.what) == (OK, f"the route {REPORTS} is open")


@pytest.mark.parametrize("status", [401, 403, 500, 502])
def test_what_cannot_be_seen_of_reports_is_not_said(status: int) -> None:
    assert "reports" not in looked_at(HEALTHY, reports=status)


def test_a_server_without_our_scheduler_is_not_asked_for_reports() -> None:
    stock = {name: value for name, value in HEALTHY.items() if not name.startswith("andes:")}
    assert "reports" not in looked_at(stock, reports=404)


@pytest.mark.parametrize("value", ["none", "NaN", "+Inf", "-Inf", "-", "0x10", "1e999", "1,5"])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_metric_without_a_number_is_as_if_it_were_not_there(name: str, value: str) -> None:
    exposition = Exposition(lines({**HEALTHY, name: math.nan}).replace(" nan", f" {value}"))
    assert exposition.of(name.partition("{")[0]) == Exposition(
        lines({other: HEALTHY[other] for other in HEALTHY if other != name})
    ).of(name.partition("{")[0])


@pytest.mark.parametrize("value", ["none", "NaN", "+Inf", ""])
def test_a_server_without_a_number_anywhere_is_described_all_the_same(value: str) -> None:
    pages = {
        "/v1/models": MODELS,
        "/version": VERSION,
        "/metrics": "".join(f"{name} {value}\n" for name in HEALTHY)
        + cache(tokens=int("9" * 30)).replace(" 1.0", f" {value}"),
    }
    with serving(pages) as url:
        topics = {finding.topic for finding in check_running(url)}
    assert {"server", "scheduler", "KV memory"} <= topics


@pytest.mark.parametrize("tokens", ["9" * 5000, "a lot", "-5", "²", ""])
def test_a_size_that_is_no_number_is_unknown(tokens: str) -> None:
    config = cache().replace('"1600"', f'"{tokens}"').replace('"100"', f'"{tokens}"')
    (finding,) = looked_at(HEALTHY, config)["KV memory"]
    assert finding.what.startswith("of unknown size")


def test_stock_vllm_is_a_problem_and_says_nothing_of_readers() -> None:
    found = looked_at({k: v for k, v in HEALTHY.items() if k.startswith("vllm:")})
    (finding,) = found["scheduler"]
    assert finding.level == PROBLEM
    assert finding.flags == "--scheduler-cls andes_backend.AndesScheduler"
    assert not {"QoE", "hints", "planning"} & set(found)


@pytest.mark.parametrize(
    ("changed", "topic", "level", "says"),
    [
        ({'andes:request_qoe_sum{reader="person"}': 70}, "QoE", BETTER, "0.700 on average"),
        ({'andes:requests_total{hint="none"}': 905}, "hints", BETTER, "10% of 1,000 requests"),
        ({'andes:requests_total{hint="bad"}': 2}, "hints", BETTER, "2 requests had invalid hints"),
        (
            {'andes:planning_fallbacks_total{reason="raised"}': 7},
            "planning",
            PROBLEM,
            "failed in 7 of 1,000 steps",
        ),
        (
            {'andes:planning_fallbacks_total{reason="slow"}': 7},
            "planning",
            BETTER,
            "7 of 1,000 plans took longer",
        ),
        ({"vllm:num_preemptions_total{}": 80}, "preemptions", BETTER, "0.80 each"),
        ({"vllm:num_requests_waiting{}": 9}, "KV memory", BETTER, "40% full; 3 requests run, 9"),
        (
            {"andes:num_requests_overdue{}": 4, "andes:longest_wait_seconds{}": 31.4},
            "waits",
            OK,
            "4 readers wait for text now, the longest 31 s",
        ),
    ],
)
def test_what_could_be_better(
    changed: dict[str, float], topic: str, level: Level, says: str
) -> None:
    findings = [f for f in looked_at({**HEALTHY, **changed})[topic] if says in f.what]
    assert [finding.level for finding in findings] == [level]
    assert level == OK or findings[0].do


def test_waiting_for_memory_is_no_reason_to_admit_more() -> None:
    full = {"vllm:kv_cache_usage_perc{}": 0.97, "vllm:num_requests_waiting{}": 9}
    assert looked_at({**HEALTHY, **full})["KV memory"][0].level == OK


def test_preemptions_are_cheap_where_kv_is_offloaded() -> None:
    many = {**HEALTHY, "vllm:num_preemptions_total{}": 80}
    assert looked_at(many, cache(offload="64.0"))["preemptions"][0].level == OK


def test_prefix_caching_off_is_seen() -> None:
    assert looked_at(HEALTHY, cache(caching=False))["prefix caching"][0].level == BETTER
    assert "prefix caching" not in looked_at(HEALTHY)


def test_the_memory_of_several_engines_is_added_and_the_fullest_shown() -> None:
    values = {
        **HEALTHY,
        'vllm:kv_cache_usage_perc{engine="0"}': 0.2,
        'vllm:kv_cache_usage_perc{engine="1"}': 0.6,
    }
    del values["vllm:kv_cache_usage_perc{}"]
    found = looked_at(values, cache() + cache(engine=1))
    assert found["KV memory"][0].what.startswith("3,200 tokens in 2 engines, the fullest 60% full")


def test_an_older_server_tells_its_memory_in_blocks() -> None:
    old = 'vllm:cache_config_info{block_size="16",num_gpu_blocks="100"} 1.0\n'
    assert looked_at(HEALTHY, old)["KV memory"][0].what.startswith("1,600 tokens")
    unsaid = 'vllm:cache_config_info{block_size="None",num_gpu_blocks="None"} 1.0\n'
    assert looked_at(HEALTHY, unsaid)["KV memory"][0].what.startswith("of unknown size")


def test_no_server_is_a_problem() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    (finding,) = check_running(f"http://127.0.0.1:{port}")
    assert finding.level == PROBLEM
    assert "does not answer" in finding.what


def test_something_else_than_vllm_is_a_problem() -> None:
    with serving({}) as url:
        found = list(check_running(url))
    assert [finding.topic for finding in found] == ["server", "metrics"]
    assert all(finding.level == PROBLEM for finding in found)


@pytest.mark.parametrize("path", ["/v1/models", "/version", "/metrics"])
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_without_end_is_read_up_to_a_bound(path: str, status: int) -> None:
    with serving({path: ENDLESS}, {path: status}) as url:
        found = list(check_running(url))
    is_metrics = (path, status) == ("/metrics", 200)
    assert [finding.topic for finding in found][:2] == [
        "server",
        "scheduler" if is_metrics else "metrics",
    ]


def test_a_server_with_an_api_key_is_looked_at_without_it() -> None:
    pages = {"/version": VERSION, "/metrics": cache() + lines(HEALTHY)}
    with serving(pages, {"/v1/models": 401, REPORTS: 401}) as url:
        found = list(check_running(url))
    assert all(finding.level == OK for finding in found)
    assert "needs an API key" in found[0].what


@pytest.mark.parametrize(
    ("values", "status"), [(HEALTHY, 0), ({"vllm:kv_cache_usage_perc{}": 0.1}, 1)]
)
def test_the_command_looks_at_the_server_alone(
    values: dict[str, float], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = {"/v1/models": MODELS, "/version": VERSION, "/metrics": cache() + lines(values)}
    with serving(pages) as url, pytest.raises(SystemExit) as left:
        cli.main(["doctor", "--url", f"{url}/v1/"])
    assert left.value.code == status
    out = capsys.readouterr().out
    assert out.startswith("The running server\n")
    assert "The installation" not in out
