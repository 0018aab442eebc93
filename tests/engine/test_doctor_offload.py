"""What KV offload gives back to a preempted request: vLLM's own bookkeeping, without the copying.

The worker's half of vLLM's OffloadingConnector needs a GPU. The scheduler's half decides what is
copied out and what comes back, and runs here with our scheduler; every copy that it orders is
reported as done in the same step.
"""

from pathlib import Path

from vllm import SamplingParams
from vllm.config import KVTransferConfig
from vllm.distributed.kv_transfer.kv_connector.v1.offloading.common import (
    OffloadingConnectorMetadata,
    OffloadingWorkerMetadata,
)
from vllm.utils.hashing import sha256
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.outputs import KVConnectorOutput, ModelRunnerOutput
from vllm.v1.request import Request

from andes_backend.engine import versions
from tests.engine.real_scheduler import Machine, engine_config

BLOCK, PROMPT, GENERATED = 32, 64, 100


class Copying(Machine):
    """A machine whose copies to and from CPU memory take no time."""

    computed = 0
    """Tokens that the model was given, of prompts and of responses."""

    def _run(self, scheduled: SchedulerOutput) -> ModelRunnerOutput:
        ran = super()._run(scheduled)
        self.computed += scheduled.total_num_scheduled_tokens
        orders = scheduled.kv_connector_metadata
        assert isinstance(orders, OffloadingConnectorMetadata)
        done = OffloadingWorkerMetadata()
        for job in (*orders.store_jobs, *orders.load_jobs):
            done.mark_completed(job)
        ran.kv_connector_output = KVConnectorOutput(
            finished_recving={job.req_id for job in orders.load_jobs.values()},
            kv_connector_worker_meta=done,
        )
        return ran


def resumed(model: Path, extra: dict[str, object]) -> tuple[int, int]:
    """A preempted request resumes: the tokens that are computed again, and all that it has."""
    config = engine_config(
        model,
        block_size=BLOCK,
        enable_prefix_caching=True,
        kv_offloading_size=1,
        kv_transfer_config=KVTransferConfig(kv_connector_extra_config=extra),
        additional_config={"andes": {"policy": "fcfs"}},
    )
    machine = Copying(config, blocks=64, block_size=BLOCK)
    init_none_hash(sha256)
    params = SamplingParams(max_tokens=400, ignore_eos=True)
    params.update_from_generation_config({}, None)
    request = Request(
        "r", list(range(PROMPT)), params, None, block_hasher=get_request_block_hasher(BLOCK, sha256)
    )
    scheduler = machine.scheduler
    scheduler.add_request(request)
    # With a step in flight, as with async scheduling: it cannot resume in the very next one.
    while request.num_output_tokens < GENERATED or not request.num_in_flight_tokens:
        machine.step(in_flight=1)
    versions.preempt(scheduler, request)
    # What it held is overwritten, as soon as the copies out of it are done.
    while not scheduler.kv_cache_manager.block_pool.reset_prefix_cache():
        machine.step()
    machine.computed = 0
    while not machine.computed:
        machine.step(in_flight=1)
    return machine.computed, request.num_tokens


def test_prompts_only_come_back_unless_told_otherwise(tiny_model: Path) -> None:
    computed, tokens = resumed(tiny_model, {})
    assert computed == tokens - PROMPT


def test_generated_tokens_come_back_too_if_told(tiny_model: Path) -> None:
    computed, tokens = resumed(tiny_model, {"offload_prompt_only": False})
    # All but the block that was not full when the request was preempted.
    assert computed == tokens - (PROMPT + GENERATED) // BLOCK * BLOCK
