"""Examines vLLM in a separate process, because a broken installation may kill it.

    python -m andes_backend.engine.probe ANSWER.json [MODEL --flags of vllm serve ...]

writes what it finds to the file, step by step, so that the caller knows how far it got: importing
vLLM may end the process without any exception.
"""

import argparse
import contextlib
import importlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

__all__ = ["FIELDS", "main"]

# Where vLLM keeps the parser of `vllm serve`: since 0.33, and before.
_PARSERS: Final = ("vllm.entrypoints.common.cli_args", "vllm.entrypoints.launchers.cli_args")

FIELDS: Final = (
    "additional_config",
    "api_server_count",
    "async_scheduling",
    "data_parallel_size",
    "disable_log_stats",
    "enable_chunked_prefill",
    "enable_prefix_caching",
    "kv_offloading_backend",
    "kv_offloading_size",
    "max_num_active_seqs",
    "max_num_seqs",
    "model",
    "pipeline_parallel_size",
    "scheduler_cls",
    "scheduling_policy",
    "stream_interval",
)
"""Options of `vllm serve` that the answer has, as vLLM has parsed them."""


def main() -> int:
    """Write the answer; the exit status is 0 whatever was found."""
    answer, *flags = sys.argv[1:]
    found: dict[str, Any] = {}

    def note(name: str, look: Callable[[], Any]) -> bool:
        """Whether it could be looked at; if not, the answer says why."""
        try:
            found[name] = look()
        except (Exception, SystemExit) as error:
            found[name] = {"error": _said(error)}
            return False
        finally:
            Path(answer).write_text(json.dumps(found))
        return True

    note("torch", _torch)
    if note("vllm", _vllm):
        note("version", _version)
        note("scheduler", _scheduler)
        note("plugin", _plugin)
        if flags and note("flags", lambda: _parsed(flags)):
            note("resolved", lambda: _resolved(flags))
    return 0


def _torch() -> dict[str, Any]:
    import torch

    return {"version": torch.__version__}


def _vllm() -> dict[str, Any]:
    import vllm
    from vllm.platforms import current_platform

    gpus = []
    if not current_platform.is_cpu():
        import torch

        gpus = [
            {
                "name": current_platform.get_device_name(i),
                "gib": current_platform.get_device_total_memory(i) / 2**30,
            }
            for i in range(torch.accelerator.device_count())
        ]
    return {
        "version": vllm.__version__,
        "place": str(Path(vllm.__file__).parent),
        "platform": current_platform.device_type,
        "offloads": current_platform.is_cuda_alike() or current_platform.is_xpu(),
        "gpus": gpus,
    }


def _version() -> dict[str, Any]:
    from andes_backend.engine import releases

    releases.check_version()
    import andes_backend.engine.versions  # noqa: F401, fails where vLLM lacks what we build on

    return {"tested": list(releases.TESTED)}


def _scheduler() -> dict[str, Any]:
    from vllm.v1.core.sched.async_scheduler import AsyncScheduler

    from andes_backend import AndesScheduler

    if not issubclass(AndesScheduler, AsyncScheduler):
        raise TypeError("it is not derived from vLLM's AsyncScheduler")
    return {"class": f"{AndesScheduler.__module__}.{AndesScheduler.__qualname__}"}


def _plugin() -> dict[str, Any]:
    """Whether vLLM loads our plug-in, in the way in which a server does."""
    from vllm.plugins import load_general_plugins

    from andes_backend.engine.plugin import is_loaded

    load_general_plugins()  # type: ignore[no-untyped-call]
    return {"loaded": is_loaded()}


def _parsed(flags: list[str]) -> dict[str, Any]:
    """The options as vLLM's own parser reads them, defaults unresolved."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        try:
            arguments = _parser().parse_args(["serve", *flags])
        except SystemExit:
            raise ValueError(_last_line(said.getvalue())) from None
    found = {name: getattr(arguments, name, None) for name in FIELDS}
    found["model"] = getattr(arguments, "model_tag", None) or found["model"]
    transfer = getattr(arguments, "kv_transfer_config", None)
    return {
        **{name: value if _is_plain(value) else str(value) for name, value in found.items()},
        "kv_connector": getattr(transfer, "kv_connector", None),
        "kv_extra": dict(getattr(transfer, "kv_connector_extra_config", None) or {}),
        "speculative": getattr(arguments, "speculative_config", None) is not None,
    }


def _parser() -> Any:
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    for name in _PARSERS:
        with contextlib.suppress(ModuleNotFoundError):
            return _serve_parser(importlib.import_module(name), FlexibleArgumentParser)
    raise RuntimeError(
        f"cannot find the options of this vLLM: neither {' nor '.join(_PARSERS)} exists"
    )


def _serve_parser(module: Any, kind: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """The parser of `vllm serve`, which expects the word "serve" in front of the options."""
    parser = kind(prog="vllm")
    serve = parser.add_subparsers(dest="subparser").add_parser("serve")
    module.make_arg_parser(serve)
    return parser


def _resolved(flags: list[str]) -> dict[str, Any]:
    """What vLLM makes of the options for this model and this machine.

    The caller must prevent downloads: HF_HUB_OFFLINE=1 must be in the environment before anything
    is imported.

    Raises:
        OSError: the model is not on this machine.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.usage.usage_lib import UsageContext

    arguments = _parser().parse_args(["serve", *flags])
    arguments.model = getattr(arguments, "model_tag", None) or arguments.model
    if "://" in arguments.model:
        raise FileNotFoundError(f"{arguments.model} is not on this machine")
    config = AsyncEngineArgs.from_cli_args(arguments).create_engine_config(
        UsageContext.OPENAI_API_SERVER
    )
    transfer = config.kv_transfer_config
    return {
        "additional_config": config.additional_config,
        "async_scheduling": config.scheduler_config.async_scheduling,
        "enable_chunked_prefill": config.scheduler_config.enable_chunked_prefill,
        "enable_prefix_caching": config.cache_config.enable_prefix_caching,
        "max_model_len": config.model_config.max_model_len,
        "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
        "max_num_active_seqs": getattr(config.scheduler_config, "max_num_active_seqs", None),
        "max_num_seqs": config.scheduler_config.max_num_seqs,
        "scheduler_cls": _named(config.scheduler_config.scheduler_cls),
        "kv_connector": transfer.kv_connector if transfer is not None else None,
        "kv_extra": dict(transfer.kv_connector_extra_config) if transfer is not None else {},
    }


def _said(error: BaseException) -> str:
    """The kind of an error and what it says, on one line."""
    kind = "OSError" if isinstance(error, OSError) else type(error).__name__
    if hasattr(error, "errors"):  # pydantic's: its text is a page
        kind, text = "ValueError", "; ".join(str(one["msg"]) for one in error.errors())
    else:
        text = str(error)
    return f"{kind}: {' '.join(text.split())}"


def _named(scheduler: Any) -> str | None:
    """A class as its module and name; the options may have it either way."""
    if isinstance(scheduler, type):
        return f"{scheduler.__module__}.{scheduler.__qualname__}"
    return scheduler if scheduler is None else str(scheduler)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str | list | dict)


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].partition("error: ")[2] or lines[-1] if lines else "vLLM said nothing"


if __name__ == "__main__":
    sys.exit(main())
