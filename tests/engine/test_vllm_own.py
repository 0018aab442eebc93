"""vLLM's own tests of its scheduler, unchanged, with our class in the place of theirs.

See vllm_own/README.md for where they are from.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.live  # minutes of a CPU

OWN = Path(__file__).parent / "vllm_own"
ROOT = OWN.parent.parent.parent

NOT_HERE = {
    "test_priority_scheduling_blast": "8,000 steps each: minutes, with vLLM's own class too",
    "test_pending_hisparse_spill_keeps_scheduler_alive": "imports vLLM's tests of its KV cache",
    "test_pending_hisparse_reclamation_defers_preemption": "imports vLLM's tests of its KV cache",
    "test_encoder_cache_rejects_mismatched_embed_count": "needs a fixture of vLLM's conftest.py",
}
"""Tests that fail, or take too long, with vLLM's own class on this machine."""

WITHOUT_CONSTRUCTOR = {
    "test_abort_request_when_structured_output_fsm_cannot_advance": (
        "makes the object without its constructor and sets vLLM's attributes one by one; "
        "a class with attributes of its own has none of them then"
    ),
}

_ORDER = "asserts first come, first served"
_LAST_BLOCKS = "lets a request into the last free blocks, which `qoe` keeps for those that run"
_PRIORITY = "uses --scheduling-policy priority, which `qoe` refuses when the server starts"

NOT_UNDER_QOE = {
    "test_schedule_order": _ORDER,
    "test_fcfs_mixed_blocked_types_remote_load_drains_first": _ORDER,
    "test_ec_connector_allocate_encoder_tokens_with_external_load": _ORDER,
    "test_async_load_reservation_prevents_wedge_e2e": _ORDER,
    "test_cow_retentions_deferred_until_copy_step_processed": _LAST_BLOCKS,
    "test_kv_connector_handles_preemption": _LAST_BLOCKS,
    "test_kv_pressure_preempt_mid_handoff": _LAST_BLOCKS,
    "test_preempt_during_execution": _LAST_BLOCKS,
    "test_reset_prefix_cache_with_inflight_output_under_kv_pressure[3]": _LAST_BLOCKS,
    "test_allocation_retry_waits_for_fence_then_succeeds[priority-2]": _PRIORITY,
    "test_priority_scheduler_preempt_skipped_request": _PRIORITY,
    "test_priority_scheduling_arrival_time_tiebreaker": _PRIORITY,
    "test_priority_scheduling_basic_ordering": _PRIORITY,
    "test_priority_scheduling_ec_connector_preemption_and_resumption": _PRIORITY,
    "test_priority_scheduling_equal_priority_preemption": _PRIORITY,
    "test_priority_scheduling_fcfs_fallback": _PRIORITY,
    "test_priority_scheduling_heap_property": _PRIORITY,
    "test_priority_scheduling_mixed_priority_and_arrival": _PRIORITY,
    "test_priority_scheduling_no_preemption_when_space_available": _PRIORITY,
    "test_priority_scheduling_preemption": _PRIORITY,
    "test_kv_cache_release_after_keep_pause_preserves_requests": _ORDER,
    "test_priority_scheduling_preemption_and_resumption_when_out_of_kv": _PRIORITY,
    "test_priority_scheduling_preemption_victim_selection": _PRIORITY,
    "test_priority_scheduling_waiting_queue_order": _PRIORITY,
    "test_priority_scheduling_with_limited_slots": _PRIORITY,
    "test_reset_prefix_cache_priority_does_not_over_admit_worker_slot": _PRIORITY,
}
"""Tests of what `qoe` is there to change; where one of several cases is meant, it is named."""


@dataclass(frozen=True)
class Results:
    passed: frozenset[str]
    failed: frozenset[str]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(OWN))
    try:
        from models import make_models
    finally:
        sys.path.remove(str(OWN))
    place = tmp_path_factory.mktemp("models_by_name")
    make_models(place)
    return place


def run(models: Path, policy: str | None, left_out: dict[str, str]) -> Results:
    """Run the tests with this policy, None for vLLM's own class, in a process beside `models`."""
    report = models / f"{policy}.xml"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONPATH": os.pathsep.join([str(OWN), str(ROOT)]),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_LOGGING_LEVEL": "ERROR",
        **({} if policy is None else {"ANDES_OWN_POLICY": policy}),
    }
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=short"),
            *("-c", str(OWN / "pytest.ini"), f"--junitxml={report}", str(OWN / "tests")),
            *("-k", " and ".join(f"not {name}" for name in left_out)),
        ],
        cwd=models,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in (0, 1), ran.stdout[-4000:] + ran.stderr[-4000:]
    print(ran.stdout[-8000:])
    cases = list(ElementTree.parse(report).iter("testcase"))
    names = {f"{case.get('classname')}::{case.get('name')}": case for case in cases}
    failed = {
        name
        for name, case in names.items()
        if case.find("failure") is not None or case.find("error") is not None
    }
    skipped = {name for name, case in names.items() if case.find("skipped") is not None}
    return Results(frozenset(set(names) - failed - skipped), frozenset(failed))


@pytest.fixture(scope="module")
def control(models: Path) -> Results:
    return run(models, None, NOT_HERE)


def unexpected(failed: frozenset[str], named: dict[str, str]) -> list[str]:
    """Those that are named neither as a test nor as one of its cases."""
    tests = {name: name.rpartition("::")[2] for name in failed}
    return [
        name
        for name, test in tests.items()
        if test not in named and test.partition("[")[0] not in named
    ]


def test_with_vllms_own_class_as_a_control(control: Results) -> None:
    assert not control.failed
    assert len(control.passed) > 300
    everywhere = "".join(path.read_text() for path in OWN.rglob("*.py"))
    for name in (*NOT_HERE, *WITHOUT_CONSTRUCTOR, *NOT_UNDER_QOE):
        assert f"def {name.partition('[')[0]}(" in everywhere, f"vLLM has no test {name} any more"


@pytest.mark.parametrize(
    ("policy", "named"),
    [("fcfs", WITHOUT_CONSTRUCTOR), ("qoe", WITHOUT_CONSTRUCTOR | NOT_UNDER_QOE)],
)
def test_what_passes_with_vllms_class_passes_with_ours(
    models: Path, control: Results, policy: str, named: dict[str, str]
) -> None:
    ours = run(models, policy, NOT_HERE)
    assert not unexpected(ours.failed, named)
    assert not unexpected(control.passed - ours.passed, named)
