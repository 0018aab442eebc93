"""Two replicas of a small model on a CPU, each with our scheduler: what Ray Serve LLM is told.

On GPUs leave out `accelerator_config`, the flags of the CPU and the model's random weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.serve.llm import LLMConfig

from andes_backend.ray_serve.ingress import build_app

__all__ = ["MODEL", "app"]

MODEL = "tiny"
"""The name that requests must give as `model`."""

_BY_READERS = {
    "request_router_class": "andes_backend.ray_serve.router.ReaderRouter",
    "request_routing_stats_period_s": 1.0,
}

_ENGINE = {
    "scheduler_cls": "andes_backend.AndesScheduler",
    "additional_config": {"andes": {"policy": "qoe"}},
    "max_model_len": 1024,
    "max_num_seqs": 32,
    # A small server on a CPU, with random weights and little memory.
    "load_format": "dummy",
    # In bfloat16, on a CPU with AMX and two replicas, one worker ended at its first prompt by an
    # illegal instruction (vLLM 0.32, exit code -4).
    "dtype": "float32",
    "enforce_eager": True,
    "block_size": 32,
    "num_gpu_blocks_override": 65,
}

_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    # Two replicas share the cores: none of them is tied to the first one.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # There is nothing that it needs from a network.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}


def app(
    model: Path, *, by_readers: bool = True, autoscaling: Mapping[str, Any] | None = None
) -> Any:
    """The application, for `serve.run`.

    Args:
        model: the model's directory.
        by_readers: whether our router chooses the replicas, or Ray's own does.
        autoscaling: Ray's `autoscaling_config`; None: there are two replicas.
    """
    deployment: dict[str, Any] = {"health_check_period_s": 2.0}
    if autoscaling is None:
        deployment["num_replicas"] = 2
    else:
        deployment["autoscaling_config"] = dict(autoscaling)
    if by_readers:
        deployment["request_router_config"] = _BY_READERS
    config = LLMConfig(
        model_loading_config={"model_id": MODEL, "model_source": str(model)},
        engine_kwargs=_ENGINE,
        server_cls="andes_backend.ray_serve.server.AndesServer",
        deployment_config=deployment,
        accelerator_config={"kind": "cpu"},  # else Ray waits for a GPU for ever
        # Tokens go out as they come, not in bundles of 50 ms.
        experimental_configs={"stream_batching_interval_ms": 0},
        runtime_env={"env_vars": _ENVIRONMENT},
    )
    return build_app([config], num_replicas=1)
