"""vLLM's real scheduler as a server would make it, only without a GPU behind it."""

import contextlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from vllm import SamplingParams
from vllm import __version__ as vllm_version
from vllm.config import KVTransferConfig, VllmConfig
from vllm.engine.arg_utils import EngineArgs
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.request import Request
from vllm.v1.structured_output import StructuredOutputManager

from andes_backend.config import AndesConfig
from andes_backend.engine import versions
from andes_backend.engine.scheduler import AndesScheduler
from andes_backend.lab.twin.kv_restore import KVRestoreConnector, Link
from andes_backend.lab.twin.peers import FeedbackQueues, PredictedShortest, TokenFlow
from andes_backend.lab.twin.requests_per_minute import RequestsPerMinute
from andes_backend.lab.twin.setup import (
    MLFQ,
    PREDICTED_SHORTEST,
    PRIORITY,
    RPM,
    SHORTEST_FIRST,
    TOKENFLOW,
    Setup,
    SetupError,
)
from andes_backend.lab.twin.shortest_first import ShortestFirst
from andes_backend.lab.workload import Request as Wanted
from andes_backend.policy import Policy
from andes_client import wire

__all__ = ["Clock", "make_request", "make_scheduler"]

# The shape of a model, which the scheduler never looks at; only its longest context counts.
_MODEL: Final = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
    "num_hidden_layers": 1,
    "vocab_size": 32,
    "dtype": "bfloat16",
    "max_position_embeddings": 1_000_000,
}
_PROGRAM: Final = 1  # the priority of a request that a program reads; people have 0


class Clock:
    """The time of a simulation; the code that runs the engine advances it."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds since the start."""


if TYPE_CHECKING:
    _Scheduler = AsyncScheduler
else:
    _Scheduler = object


class _Watched(_Scheduler):
    """Tells of preemptions, by vLLM or a policy."""

    preempted: int = 0
    link: Link | None = None

    def _preempt_request(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.preempted += 1
        if self.link is not None:
            self.link.keep(request.request_id, request.num_computed_tokens)
        super()._preempt_request(request, *args, **kwargs)


class _Stock(_Watched, AsyncScheduler):
    """vLLM's own."""


class _Andes(_Watched, AndesScheduler):
    """Ours, on the simulation's clock, with true lengths for a policy that wants them."""

    virtual_clock: Clock
    setup: Setup

    def clock(self) -> float:
        return self.virtual_clock.now

    def make_policy(self, config: AndesConfig) -> Policy:
        own: dict[str, Callable[[], Policy]] = {
            SHORTEST_FIRST: ShortestFirst,
            RPM: lambda: RequestsPerMinute(self.setup.requests_per_minute),
            MLFQ: FeedbackQueues,
            PREDICTED_SHORTEST: PredictedShortest,
            TOKENFLOW: lambda: TokenFlow(self.setup.kv_restore_tokens_per_s),
        }
        if config.policy in own:
            return own[config.policy]()
        return super().make_policy(config)

    def add_request(self, request: Request) -> None:
        super().add_request(request)
        row = self.andes_ledger.rows([request], self.clock())
        self.andes_ledger.table.data["output_tokens"][row] = request.max_tokens


def make_scheduler(setup: Setup, clock: Clock, max_model_len: int) -> _Watched:
    """A scheduler for this server.

    Args:
        setup: the server.
        clock: the simulation's.
        max_model_len: most tokens of a request.
    """
    with _quiet():
        return _make_scheduler(setup, clock, max_model_len)


def _make_scheduler(setup: Setup, clock: Clock, max_model_len: int) -> _Watched:
    profile = setup.profile
    config = _engine_config(setup, max_model_len)
    # The CPU that this runs on switches it off; what is simulated is a GPU. Our scheduler goes
    # by it, as vLLM's does by its class.
    config.scheduler_config.async_scheduling = True
    blocks = config.cache_config.num_gpu_blocks = profile.kv_tokens // profile.block_size
    # The size of a token's keys and values does not matter: nothing is stored.
    spec = FullAttentionSpec(
        block_size=profile.block_size, num_kv_heads=1, head_size=8, dtype=torch.bfloat16
    )
    ours = {"virtual_clock": clock, "setup": setup}
    kind = type("Scheduler", (_Andes,), ours) if setup.is_ours else _Stock
    scheduler: _Watched = kind(
        config,
        KVCacheConfig(
            num_blocks=blocks,
            kv_cache_tensors=[],
            kv_cache_groups=[KVCacheGroupSpec(["layer"], spec)],
        ),
        StructuredOutputManager(config),
        block_size=profile.block_size,
        hash_block_size=profile.block_size,
        log_stats=False,
    )
    if setup.kv_restore_tokens_per_s is not None:
        connector = scheduler.connector
        assert isinstance(connector, KVRestoreConnector)
        scheduler.link = connector.link = Link(setup.kv_restore_tokens_per_s)
    return scheduler


def make_request(name: str, wanted: Wanted, setup: Setup) -> Request:
    """The request as vLLM's front end hands it to the engine."""
    params = SamplingParams(
        max_tokens=wanted.output_tokens,
        ignore_eos=True,
        extra_args=wire.encode(wanted.hint, stream=name, user=wanted.user),
    )
    params.update_from_generation_config({}, None)
    reads_as_program = wanted.hint is not None and wanted.hint.tds == float("inf")
    return Request(
        name,
        [0] * wanted.prompt_tokens,
        params,
        None,
        arrival_time=wanted.arrival_s,
        priority=_PROGRAM if reads_as_program else 0,
        block_hasher=_hasher(name, wanted, setup) if setup.prefix_caching else None,
    )


def _hasher(name: str, wanted: Wanted, setup: Setup) -> Callable[[Request], list[Any]]:
    """Names a request's full KV blocks, instead of hashing what is in them.

    Requests share text only as rounds of a conversation, each of which begins with all that was
    said before: so a block is known by whose it is and its place.
    """
    whose = name if wanted.conversation is None else f"conversation {wanted.conversation}"
    block_size = setup.profile.block_size

    def hashes(request: Request) -> list[Any]:
        known, full = len(request.block_hashes), request.num_tokens // block_size
        return [f"{whose}:{i}".encode() for i in range(known, full)]

    return hashes


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """vLLM tells a lot about a model and a machine that are not there."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _kv_restore() -> KVTransferConfig:
    return KVTransferConfig(
        kv_connector=KVRestoreConnector.__name__,
        kv_connector_module_path=KVRestoreConnector.__module__,
        kv_role="kv_both",
    )


def _engine_config(setup: Setup, max_model_len: int) -> VllmConfig:
    """A checked configuration as the server makes it."""
    profile = setup.profile
    with tempfile.TemporaryDirectory() as model:
        Path(model, "config.json").write_text(json.dumps(_MODEL))
        return EngineArgs(
            model=model,
            load_format="dummy",
            skip_tokenizer_init=True,
            enforce_eager=True,
            max_model_len=max_model_len,
            block_size=profile.block_size,
            # A step must hold a token for each sequence.
            max_num_batched_tokens=max(profile.max_step_tokens, profile.max_sequences),
            max_num_seqs=profile.max_sequences,
            watermark=setup.watermark,
            # vLLM refuses more than the longest request has, which would cut nothing.
            long_prefill_token_threshold=min(setup.long_prefill_token_threshold, max_model_len),
            enable_prefix_caching=setup.prefix_caching,
            async_scheduling=setup.async_scheduling,
            scheduling_policy="priority" if setup.policy == PRIORITY else "fcfs",
            additional_config={"andes": setup.andes_settings} if setup.is_ours else {},
            kv_transfer_config=_kv_restore() if setup.kv_restore_gb_s is not None else None,
            **_active_sequences(setup),
        ).create_engine_config()


def _active_sequences(setup: Setup) -> dict[str, Any]:
    """An argument that vLLM has had since 0.31.

    Raises:
        SetupError: this vLLM does not have it.
    """
    if setup.max_num_active_seqs is None:
        return {}
    if not versions.has_argument("max_num_active_seqs"):
        raise SetupError(
            f"vLLM {vllm_version} has no max_num_active_seqs: leave it out, or install vLLM 0.31 "
            "or later"
        )
    return {"max_num_active_seqs": setup.max_num_active_seqs}
