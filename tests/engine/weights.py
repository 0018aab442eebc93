"""Weights on disk for the tiny model, and LoRA adapters to it: random, but not meaningless."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tests.engine.test_live_preemption import shapes

__all__ = ["write_adapter", "write_model"]


def write_model(model: Path, path: Path) -> Path:
    """A copy with weights large enough to make every token depend on all before it."""
    shutil.copytree(model, path)
    draw = torch.Generator().manual_seed(0)
    weights = {
        name: torch.ones(shape) if len(shape) == 1 else torch.randn(shape, generator=draw) * 0.05
        for name, shape in shapes(json.loads((path / "config.json").read_text()))
    }
    save_file(weights, path / "model.safetensors", metadata={"format": "pt"})
    return path


def write_adapter(model: Path, path: Path, rank: int, seed: int) -> Path:
    """A LoRA adapter with random weights for every projection, as peft writes one."""
    path.mkdir()
    draw = torch.Generator().manual_seed(seed)
    weights, targets = {}, set()
    for weight, shape in shapes(json.loads((model / "config.json").read_text())):
        if "_proj" in weight:
            rows, columns = shape
            target = weight.removesuffix(".weight")
            prefix = f"base_model.model.{target}"
            weights[f"{prefix}.lora_A.weight"] = torch.randn(rank, columns, generator=draw) * 0.1
            weights[f"{prefix}.lora_B.weight"] = torch.randn(rows, rank, generator=draw) * 0.1
            targets.add(target.rpartition(".")[2])
    save_file(weights, path / "adapter_model.safetensors")
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": 2 * rank,
        "bias": "none",
    }
    config["target_modules"] = sorted(targets)
    (path / "adapter_config.json").write_text(json.dumps(config))
    return path
