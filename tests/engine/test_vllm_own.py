"""vLLM's own tests of its scheduler, unchanged, with our class in the place of theirs.

They are taken from vLLM's source distribution: docs/vllm.md says how.
"""

from collections.abc import Collection
from pathlib import Path

import pytest

from tests.engine.vllm_own import sdist
from tests.engine.vllm_own.control import Control
from tests.engine.vllm_own.required import archive_or_skip
from tests.engine.vllm_own.suite import FILES, NOT_HERE, Ends, installed_version, run

pytestmark = pytest.mark.live  # half a minute of a CPU

VERSION = installed_version()
POLICIES = ("fcfs", "qoe")

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The top folder of vLLM's source distribution, with the files that are needed."""
    return sdist.extract(archive_or_skip(VERSION), FILES, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def control(root: Path) -> Control:
    del root  # without the tests there is nothing to compare with it
    return Control.read(VERSION)


@pytest.fixture(scope="module")
def ends(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ends]:
    """How the tests ended under each policy; one process runs them all."""
    return run(root, POLICIES, tmp_path_factory.mktemp("models_by_name"))


def unexpected(names: Collection[str], named: Collection[str]) -> list[str]:
    """Those that are named neither as a test nor as one of its cases."""
    tests = {name: name.rpartition("::")[2] for name in names}
    return [
        name
        for name, test in tests.items()
        if test not in named and test.partition("[")[0] not in named
    ]


def test_with_vllms_own_class_as_a_control(root: Path, control: Control) -> None:
    assert control.sha256 == sdist.SHA256[VERSION], "the control is of another archive"
    assert not control.failed
    assert len(control.passed) > 300
    everywhere = "".join(path.read_text() for path in root.rglob("*.py"))
    for name in (*NOT_HERE, *NOT_UNDER_QOE):
        assert f"def {name.partition('[')[0]}(" in everywhere, f"vLLM has no test {name} any more"


@pytest.mark.parametrize(("policy", "named"), [("fcfs", {}), ("qoe", NOT_UNDER_QOE)])
def test_what_passes_with_vllms_class_passes_with_ours(
    ends: dict[str, Ends], control: Control, policy: str, named: dict[str, str]
) -> None:
    ours = Control.of(control.sha256, ends[policy])
    assert ours.all == control.all
    assert not unexpected(ours.failed, named)
    assert not unexpected(control.passed - ours.passed, named)
