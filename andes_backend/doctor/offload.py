"""Does vLLM restore a preempted request from CPU memory, or compute it again?

What vLLM does with a preempted request, according to its source, 0.29 to 0.33:

- OffloadingConnector (`--kv-offloading-size`): copies blocks out while requests run; those
  of generated tokens only with `offload_prompt_only` false (`_calc_num_offloadable_tokens` in
  distributed/kv_transfer/kv_connector/v1/offloading/scheduler.py). A copy under way when its
  request is preempted is completed first (`build_connector_meta`). GPUs of Nvidia, AMD and
  Intel only (`get_worker` in v1/kv_offload/cpu/spec.py).
- SimpleCPUOffloadConnector (the same with `VLLM_USE_SIMPLE_KV_OFFLOAD=1`): copies generated
  tokens too (`_select_eager_blocks_to_store` in v1/simple_kv_offload/manager.py, in 0.29
  `_prepare_eager_store_specs`); needs prefix caching and CUDA.
- LMCacheMPConnector: finds nothing for a preempted request (`get_num_new_matched_tokens` in
  lmcache_mp_connector.py).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from andes_backend.doctor.finding import Finding, better, ok, problem
from andes_backend.doctor.served import Served
from andes_backend.profile import load_profile

__all__ = ["WHOLE", "check_offload", "connector_of"]

WHOLE: Final = (
    '--kv-transfer-config \'{"kv_connector_extra_config": {"offload_prompt_only": false}}\''
)
"""The flag that has generated tokens offloaded too, beside `--kv-offloading-size`."""

_NATIVE: Final = "OffloadingConnector"
_SIMPLE: Final = "SimpleCPUOffloadConnector"
_LMCACHE: Final = "LMCacheMPConnector"
_PROFILE: Final = "llama-3-70b-4xh100"
_CONTEXT: Final = 1000
_USUAL_GIB: Final = 64


def check_offload(served: Served) -> Iterator[Finding]:
    """Findings about KV offload."""
    connector = connector_of(served)
    if connector is None:
        yield _none(served)
    elif connector in (_NATIVE, _SIMPLE) and not served.machine.get("offloads", True):
        yield problem(
            "KV offload",
            "vLLM's KV offload does not run on this device "
            f"({served.machine.get('platform') or 'unknown'}).",
            why="The server would refuse to start: 'CPU Offloading is currently only supported "
            "on CUDA-alike and XPU GPUs'.",
            do="Drop --kv-offloading-size.",
        )
    elif connector == _NATIVE:
        yield _native(served)
    elif connector == _SIMPLE:
        yield _simple(served)
    elif connector == _LMCACHE:
        yield better(
            "KV offload",
            f"{connector} shares prefixes, but does not restore a preempted request.",
            why=f"vLLM computes it again: {_cost()}",
            do="If there are many preemptions, use vLLM's own KV offload.",
            flags=f"--kv-offloading-backend native {WHOLE}",
        )
    else:
        yield ok(
            "KV offload", f"{connector}: we do not know whether it restores preempted requests"
        )


def connector_of(served: Served) -> str | None:
    """The KV connector that vLLM will use; None without any."""
    if served.resolved:
        resolved: str | None = served.resolved.get("kv_connector")
        return resolved
    if served.parsed.get("kv_offloading_size") is None:
        given: str | None = served.parsed.get("kv_connector")
        return given
    if served.parsed.get("kv_offloading_backend") == "lmcache":
        return _LMCACHE
    simple = served.environment.get("VLLM_USE_SIMPLE_KV_OFFLOAD") in ("1", "true", "True")
    return _SIMPLE if simple else _NATIVE


def _none(served: Served) -> Finding:
    if not served.machine.get("offloads", True):
        return ok("KV offload", "none; vLLM has none for this device")
    return better(
        "KV offload",
        "It is not set up: once overwritten, a preempted request's KV blocks are lost.",
        why=f"vLLM then computes them again: {_cost()}",
        do="Give it CPU memory: at least as many GiB as the GPUs have for KV (vLLM's log: "
        "'Available KV cache memory', for all ranks together).",
        flags=f"--kv-offloading-size {_gib(served.machine)} {WHOLE}",
    )


def _native(served: Served) -> Finding:
    extra = served["kv_extra"] or {}
    if extra.get("offload_prompt_only", True):
        return better(
            "KV offload",
            "vLLM offloads prompts only (its default), not generated tokens.",
            why="vLLM restores a preempted request's prompt from CPU memory, but computes its "
            f"generated tokens again. For all of it: {_cost()}",
            do="Offload generated tokens too.",
            flags=WHOLE,
        )
    return ok("KV offload", "on, generated tokens too: vLLM restores preempted requests by copying")


def _simple(served: Served) -> Finding:
    if served["enable_prefix_caching"] is False:
        return better(
            "KV offload",
            "vLLM's simple KV offload does nothing without prefix caching.",
            why=f"vLLM computes a preempted request again: {_cost()}",
            do="Drop --no-enable-prefix-caching.",
        )
    return ok("KV offload", "on (simple), generated tokens too")


def _cost() -> str:
    profile = load_profile(_PROFILE)
    seconds = profile.step_s([_CONTEXT], 0, 0)
    assert profile.kv_bytes_per_token is not None
    gigabytes = _CONTEXT * profile.kv_bytes_per_token / 1e9
    return (
        f"on {profile.name} {1e3 * seconds:.0f} ms for {_CONTEXT:,} tokens, during which every "
        f"running reader waits, instead of copying {gigabytes:.1f} GB in the background."
    )


def _gib(machine: Mapping[str, list[Mapping[str, float]]]) -> int:
    """A first value: half of what the GPUs have; without any, a usual one."""
    return round(sum(gpu["gib"] for gpu in machine.get("gpus", ())) / 2) or _USUAL_GIB
