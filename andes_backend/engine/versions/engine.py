"""vLLM's engine around its scheduler: what it is started with, and how a front end asks it."""

import asyncio
import sys
from typing import Any

from vllm import plugins as vllm_plugins
from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.interface import PauseState
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request

__all__ = [
    "EitherScheduler",
    "call_every_engine",
    "end_streams",
    "engine_core",
    "has_argument",
    "has_endpoint_plugins",
    "is_paused",
]


class EitherScheduler(AsyncScheduler):
    """vLLM's AsyncScheduler; under `--no-async-scheduling` its Scheduler, by the same name.

    AsyncScheduler counts tokens before they are there, which the rest of a synchronous engine
    does not expect.

    It relies on AsyncScheduler overriding two methods of Scheduler and no others: these two in
    0.29 to 0.32; in 0.33 the first alone, and calling Scheduler's second then changes nothing.
    """

    runs_ahead = True
    """Whether steps are scheduled before the output of those before them is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.runs_ahead = bool(self.scheduler_config.async_scheduling)

    def _update_after_schedule(self, scheduler_output: SchedulerOutput) -> None:
        if self.runs_ahead:
            super()._update_after_schedule(scheduler_output)
        else:
            Scheduler._update_after_schedule(self, scheduler_output)

    def _update_request_with_output(self, *args: Any, **kwargs: Any) -> tuple[list[int], bool]:
        if self.runs_ahead:
            return super()._update_request_with_output(*args, **kwargs)
        return Scheduler._update_request_with_output(self, *args, **kwargs)


def is_paused(scheduler: Scheduler) -> bool:
    """Whether the operator has paused the engine (`/pause`, or to sleep).

    A paused vLLM admits nobody new (PAUSED_NEW), or schedules nobody at all (PAUSED_ALL).
    """
    return scheduler.pause_state != PauseState.UNPAUSED


def has_argument(name: str) -> bool:
    """Whether this vLLM can be started with an argument, by its name in `EngineArgs`.

    `max_num_active_seqs` and `long_prefill_token_threshold_adaptive` came with 0.31.
    """
    from vllm.engine.arg_utils import EngineArgs  # takes long, and a server's engine needs it not

    return name in EngineArgs.__dataclass_fields__


def has_endpoint_plugins() -> bool:
    """Whether this vLLM knows plug-ins for HTTP routes; all tested releases do."""
    return hasattr(vllm_plugins, "load_endpoint_plugins")


async def call_every_engine(client: Any, method: str, *args: object) -> list[Any]:
    """Call a method of EngineCore, by its name, in every engine of a front end.

    Private until 0.31, which offers a call to the first engine only; from 0.32 on there is
    `call_utility_all_async`. Arguments and results are those that msgpack knows. An engine hears
    between two steps.

    Args:
        client: vLLM's EngineClient.
        method: the method's name.
        args: its arguments.

    Raises:
        Exception: the method raised, or there is none, or the engine is dead or shutting down.
    """
    core = client.engine_core
    if hasattr(core, "call_utility_all_async"):
        results: list[Any] = await core.call_utility_all_async(method, *args)
        return results
    calls = [core._call_utility_async(method, *args, engine=one) for one in core.core_engines]
    return await asyncio.gather(*calls)


def engine_core() -> type | None:
    """vLLM's class of engines, in a process that has engines; None in a simulation, say.

    Its module is loaded there, because it is what makes the scheduler. Elsewhere, loading it takes
    a second.
    """
    module = sys.modules.get("vllm.v1.engine.core")
    found: type | None = getattr(module, "EngineCore", None)
    return found


def end_streams(core: Any, aborted: list[Request]) -> None:
    """Tell the front ends that these requests have been aborted: their streams end.

    vLLM's scheduler leaves that to who asked it to abort them. EngineCoreProc does the same, by
    this private method, when an operator pauses it in the mode "abort". In the engine of a process
    that has no other (`LLM` without multiprocessing) there is nobody to tell.
    """
    if hasattr(core, "_send_abort_outputs"):
        core._send_abort_outputs(aborted)
