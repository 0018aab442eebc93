"""A QoE-aware scheduler for stock vLLM: GPU time goes to the readers who would notice.

    vllm serve MODEL --scheduler-cls andes_backend.AndesScheduler

Importable without vLLM; `AndesScheduler` itself needs it and is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

from andes_backend.config import AndesConfig

if TYPE_CHECKING:
    from andes_backend.engine.scheduler import AndesScheduler

__all__ = ["AndesConfig", "AndesScheduler"]


def __getattr__(name: str) -> Any:
    if name == "AndesScheduler":
        from andes_backend.engine.scheduler import AndesScheduler

        return AndesScheduler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
