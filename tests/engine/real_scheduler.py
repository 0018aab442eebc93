"""vLLM's real scheduler without a model, on a clock that the test moves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from vllm import SamplingParams
from vllm.config import VllmConfig
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.kv_cache_interface import (
    FullAttentionSpec,
    KVCacheConfig,
    KVCacheGroupSpec,
    KVCacheTensor,
)
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request
from vllm.v1.structured_output import StructuredOutputManager

from andes_backend.engine import versions
from andes_backend.engine.scheduler import AndesScheduler

__all__ = ["Machine", "engine_config", "needs_argument", "request"]


def needs_argument(name: str) -> pytest.MarkDecorator:
    """A mark for tests that start vLLM with an argument which not every tested release has."""
    return pytest.mark.skipif(
        not versions.has_argument(name), reason=f"this vLLM has no argument {name}"
    )


def engine_config(model: Path, **engine_args: Any) -> VllmConfig:
    """A checked configuration as the server makes it, with async scheduling as on a GPU."""
    config = EngineArgs(
        **{
            "model": str(model),
            "load_format": "dummy",
            "skip_tokenizer_init": True,
            "enforce_eager": True,
            "max_model_len": 2048,
            "max_num_batched_tokens": 2048,
            "max_num_seqs": 64,
            "enable_prefix_caching": False,
            **engine_args,
        }
    ).create_engine_config()
    # vLLM's CPU platform switches it off, whatever is asked for.
    config.scheduler_config.async_scheduling = engine_args.get("async_scheduling", True)
    return config


def request(
    name: str, prompt_tokens: int, output_tokens: int, hints: dict[str, Any] | None = None
) -> Request:
    """A request for exactly so many tokens, with `hints` as its vllm_xargs."""
    params = SamplingParams(max_tokens=output_tokens, ignore_eos=True, extra_args=hints)
    params.update_from_generation_config({}, None)
    return Request(name, list(range(prompt_tokens)), params, None)


class Machine:
    """An engine whose model takes `latency(output)` seconds a step and says token 7."""

    def __init__(
        self,
        config: VllmConfig,
        *,
        blocks: int,
        block_size: int = 16,
        latency: Callable[[SchedulerOutput], float] = lambda _: 0.05,
        scheduler_class: type[AndesScheduler] = AndesScheduler,
        log_stats: bool = False,
    ) -> None:
        machine = self

        class OnVirtualClock(scheduler_class):  # type: ignore[misc, valid-type]
            def clock(self) -> float:
                return machine.now

        self.now = 0.0
        self.latency = latency
        self.steps = 0
        config.cache_config.num_gpu_blocks = blocks
        spec = FullAttentionSpec(
            block_size=block_size, num_kv_heads=1, head_size=8, dtype=torch.bfloat16
        )
        page = spec.page_size_bytes
        # By its size vLLM 0.29 reckons how many blocks fit into CPU memory.
        memory = KVCacheTensor(
            size=blocks * page, layers=["layer"], layer_stride=blocks * page, block_stride=page
        )
        self.scheduler = OnVirtualClock(
            config,
            KVCacheConfig(
                num_blocks=blocks,
                kv_cache_tensors=[memory],
                kv_cache_groups=[KVCacheGroupSpec(["layer"], spec)],
            ),
            StructuredOutputManager(config),
            block_size=block_size,
            hash_block_size=block_size,
            log_stats=log_stats,
        )
        self._in_flight: list[tuple[SchedulerOutput, ModelRunnerOutput]] = []

    def step(self, in_flight: int = 0) -> list[EngineCoreOutput]:
        """Schedule, run, and take in the output of the step before the last `in_flight` ones."""
        scheduled = self.scheduler.schedule()
        self.steps += 1
        if scheduled.total_num_scheduled_tokens:
            self.now += self.latency(scheduled)
        self._in_flight.append((scheduled, self._run(scheduled)))
        if len(self._in_flight) <= in_flight and scheduled.total_num_scheduled_tokens:
            return []
        outputs = self.scheduler.update_from_output(*self._in_flight.pop(0))
        return [output for batch in outputs.values() for output in batch.outputs]

    def _run(self, scheduled: SchedulerOutput) -> ModelRunnerOutput:
        names = list(scheduled.num_scheduled_tokens)
        requests = self.scheduler.requests
        tokens = [[] if requests[name].is_prefill_chunk else [7] for name in names]
        return ModelRunnerOutput(
            req_ids=names,
            req_id_to_index={name: index for index, name in enumerate(names)},
            sampled_token_ids=tokens,
            logprobs=None,
            prompt_logprobs_dict={},
            pooler_output=[],
        )
