"""What the doctor says of flags: vLLM's reading of them is given, as its probe has it."""

import json
from typing import Any

import pytest

from andes_backend.doctor.examine import Examined
from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding, Level
from andes_backend.doctor.flags import SCHEDULER, check_flags
from andes_backend.doctor.offload import WHOLE, check_offload, connector_of
from andes_backend.doctor.served import Served
from andes_backend.profile import load_profile

GPU = {"platform": "cuda", "offloads": True, "gpus": [{"name": "H", "gib": 80.0}] * 4}
CPU = {"platform": "cpu", "offloads": False, "gpus": []}
PARSED: dict[str, Any] = {
    "additional_config": {},
    "async_scheduling": None,
    "data_parallel_size": 1,
    "disable_log_stats": False,
    "enable_chunked_prefill": None,
    "enable_prefix_caching": None,
    "kv_connector": None,
    "kv_extra": {},
    "kv_offloading_backend": "native",
    "kv_offloading_size": None,
    "max_num_active_seqs": None,
    "max_num_seqs": 256,
    "model": "some/model",
    "scheduler_cls": SCHEDULER,
    "scheduling_policy": "fcfs",
    "stream_interval": 1,
}
OFFLOADING = {
    "kv_connector": "OffloadingConnector",
    "kv_extra": {"cpu_bytes_to_use": 2**36, "offload_prompt_only": False},
}
RESOLVED = {
    "additional_config": {},
    "async_scheduling": True,
    "enable_chunked_prefill": True,
    "enable_prefix_caching": True,
    "max_num_seqs": 256,
    "scheduler_cls": SCHEDULER,
    **OFFLOADING,
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANDES_ENABLE", "ANDES_SETTINGS", "VLLM_USE_SIMPLE_KV_OFFLOAD"):
        monkeypatch.delenv(name, raising=False)


def looked_at(
    parsed: dict[str, Any] | None = None,
    resolved: dict[str, Any] | None = None,
    machine: dict[str, Any] = GPU,
) -> dict[str, list[Finding]]:
    """The findings about these flags beside good ones, by topic."""
    answer = {
        "vllm": machine,
        "flags": {**PARSED, **(parsed or {})},
        "resolved": {**RESOLVED, **(resolved or {})},
    }
    found: dict[str, list[Finding]] = {}
    for finding in check_flags(Examined(answer)):
        found.setdefault(finding.topic, []).append(finding)
    return found


def unresolved(parsed: dict[str, Any], error: str = "OSError: not here") -> list[Finding]:
    answer = {"vllm": GPU, "flags": {**PARSED, **parsed}, "resolved": {"error": error}}
    return list(check_flags(Examined(answer)))


def test_good_flags_are_all_right() -> None:
    found = looked_at()
    assert {finding.level for findings in found.values() for finding in findings} == {OK}


@pytest.mark.parametrize(
    ("parsed", "resolved", "topic", "level", "says"),
    [
        ({}, {"scheduler_cls": None}, "scheduler", PROBLEM, "stock vLLM"),
        ({}, {"scheduler_cls": "my.Own"}, "scheduler", PROBLEM, "my.Own, not ours"),
        ({}, {"additional_config": {"andes": {"horizon": 2}}}, "settings", PROBLEM, "horizon"),
        ({}, {"additional_config": {"andes": {"policy": "x"}}}, "settings", PROBLEM, "'x'"),
        ({}, {"additional_config": {"andes": []}}, "settings", PROBLEM, "an object"),
        (
            {},
            {"additional_config": {"andes": {"policy": "fcfs", "horizon_s": 2}}},
            "settings",
            OK,
            "policy = fcfs, horizon_s = 2",
        ),
        ({"scheduling_policy": "priority"}, {}, "settings", PROBLEM, "both order the queue"),
        (
            {"enable_prefix_caching": False},
            {"enable_prefix_caching": False},
            "prefix caching",
            BETTER,
            "It is off",
        ),
        ({}, {"enable_prefix_caching": False}, "prefix caching", BETTER, "for this model"),
        (
            {"async_scheduling": False},
            {"async_scheduling": False},
            "async scheduling",
            BETTER,
            "--no-async-scheduling",
        ),
        ({}, {"async_scheduling": False}, "async scheduling", BETTER, "vLLM switches it off"),
        ({}, {"max_num_seqs": 16}, "batch", BETTER, "--max-num-seqs is 16"),
        ({}, {"max_num_active_seqs": 8}, "batch", BETTER, "--max-num-active-seqs is 8"),
        ({}, {"enable_chunked_prefill": False}, "chunked prefill", BETTER, "off"),
        ({"stream_interval": 6}, {}, "stream interval", BETTER, "6 tokens at a time"),
        ({"disable_log_stats": True}, {}, "metrics", BETTER, "empties /metrics"),
        ({"data_parallel_size": 4}, {}, "data parallelism", OK, "4 engines"),
    ],
)
def test_what_is_found(
    parsed: dict[str, Any], resolved: dict[str, Any], topic: str, level: Level, says: str
) -> None:
    findings = [finding for finding in looked_at(parsed, resolved)[topic] if says in finding.what]
    assert [finding.level for finding in findings] == [level]
    assert level == OK or findings[0].do


def test_priority_goes_with_vllms_own_order() -> None:
    settings = {"additional_config": {"andes": {"policy": "fcfs"}}}
    found = looked_at({"scheduling_policy": "priority"}, settings)
    assert [finding.level for finding in found["settings"]] == [OK]


def test_the_variable_is_as_good_as_the_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDES_ENABLE", "1")
    (finding,) = looked_at({"scheduler_cls": None})["scheduler"]
    assert finding.level == OK
    assert "ANDES_ENABLE=1" in finding.what


def test_settings_of_the_environment_count_where_the_model_is_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANDES_SETTINGS", json.dumps({"policy": "fcfs", "horizon_s": 3}))
    found = unresolved({"additional_config": {"andes": {"horizon_s": 2}}})
    (finding,) = [finding for finding in found if finding.topic == "settings"]
    assert finding.what == "policy = fcfs, horizon_s = 2"


def test_the_flag_wins_over_the_environment_under_either_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANDES_SETTINGS", json.dumps({"max_wait_s": 9}))
    found = unresolved({"additional_config": {"andes": {"overdue_after_s": 20}}})
    (finding,) = [finding for finding in found if finding.topic == "settings"]
    assert finding.what == "overdue_after_s = 20"


def test_a_model_that_is_elsewhere_is_no_problem_and_is_said() -> None:
    found = unresolved({})
    assert all(finding.level != PROBLEM for finding in found)
    assert "some/model is not on this machine" in found[0].what


def test_what_vllm_refuses_is_told_once_and_by_whom() -> None:
    found = unresolved({}, "ValueError: max_model_len is too large")
    assert [f.what for f in found if f.level == PROBLEM] == [
        "vLLM would not start with them: max_model_len is too large"
    ]
    found = unresolved({}, "ValueError: ANDES_SETTINGS must be a JSON object, not '3'")
    assert [(f.topic, f.what) for f in found if f.level == PROBLEM] == [
        ("settings", "ANDES_SETTINGS must be a JSON object, not '3'.")
    ]


def test_flags_that_vllm_does_not_know_end_it() -> None:
    error = {"error": "ValueError: unrecognized arguments: --max-num-seqz 3"}
    (finding,) = check_flags(Examined({"vllm": GPU, "flags": error}))
    assert finding.level == PROBLEM
    assert finding.what.endswith(": unrecognized arguments: --max-num-seqz 3")


@pytest.mark.parametrize(
    ("examined", "says"),
    [
        (None, "vLLM does not work here"),
        (Examined({}, "killed"), "vLLM does not work here"),
        (Examined({"vllm": {"platform": ""}, "flags": {"error": "x"}}), "finds no device"),
    ],
)
def test_flags_are_not_judged_without_a_vllm_that_works(
    examined: Examined | None, says: str
) -> None:
    (finding,) = check_flags(examined)
    assert finding.level == PROBLEM
    assert says in finding.what


def offload(parsed: dict[str, Any], machine: dict[str, Any] = GPU) -> Finding:
    (finding,) = check_offload(Served({**PARSED, **parsed}, {}, machine, {}))
    return finding


def test_without_offload_a_first_size_is_named() -> None:
    finding = offload({})
    assert finding.level == BETTER
    # Half of what four GPUs of 80 GiB have.
    assert finding.flags == f"--kv-offloading-size 160 {WHOLE}"
    assert offload({}, {"offloads": True, "gpus": []}).flags.startswith("--kv-offloading-size 64 ")


def test_offload_is_complete_with_generated_tokens() -> None:
    assert offload({"kv_offloading_size": 64.0}).flags == WHOLE
    whole = json.loads(WHOLE.partition(" ")[2].strip("'"))
    extra = whole["kv_connector_extra_config"]
    assert offload({"kv_offloading_size": 64.0, "kv_extra": extra}).level == OK


def test_offload_that_would_not_start_is_a_problem() -> None:
    assert offload({"kv_offloading_size": 4.0}, CPU).level == PROBLEM
    assert offload({}, CPU).level == OK


def test_lmcache_does_not_bring_a_preempted_request_back() -> None:
    finding = offload({"kv_offloading_size": 4.0, "kv_offloading_backend": "lmcache"})
    assert finding.level == BETTER
    assert finding.flags == f"--kv-offloading-backend native {WHOLE}"


def test_other_connectors_are_named_and_left_alone() -> None:
    finding = offload({"kv_connector": "NixlConnector"})
    assert finding.level == OK
    assert "NixlConnector" in finding.what


def test_the_simple_offload_needs_prefix_caching() -> None:
    def simple(caching: bool | None) -> Finding:
        parsed = {**PARSED, "kv_offloading_size": 4.0, "enable_prefix_caching": caching}
        served = Served(parsed, {}, GPU, {"VLLM_USE_SIMPLE_KV_OFFLOAD": "1"})
        assert connector_of(served) == "SimpleCPUOffloadConnector"
        (finding,) = check_offload(served)
        return finding

    assert simple(None).level == OK
    assert simple(False).level == BETTER


def test_figures_are_those_of_the_profile() -> None:
    """Nothing is quoted that has gone stale: the reasons compute what they say."""
    profile = load_profile("llama-3-70b-4xh100")
    milliseconds = 1e3 * profile.step_s([1000], 0, 0)
    assert f"{milliseconds:.0f} ms for 1,000 tokens" in offload({}).why
    (batch,) = looked_at({}, {"max_num_seqs": 16})["batch"]
    for sequences in (16, 256):
        assert f"{1 / profile.step_s([], sequences, 1000 * sequences):.0f}" in batch.why
