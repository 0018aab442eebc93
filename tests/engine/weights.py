"""Weights on disk for the tiny model, and LoRA adapters to it: random, but not meaningless."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

__all__ = ["ADAPTERS", "write_adapter", "write_model"]

ADAPTERS = ("first", "second")
"""The names of two LoRA adapters."""


def shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The weights of a Llama: name and shape of each."""
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    heads, kv_heads = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    yield "model.embed_tokens.weight", (config["vocab_size"], hidden)
    yield "lm_head.weight", (config["vocab_size"], hidden)
    yield "model.norm.weight", (hidden,)
    layer = {
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
        "self_attn.q_proj": (heads, hidden),
        "self_attn.k_proj": (kv_heads, hidden),
        "self_attn.v_proj": (kv_heads, hidden),
        "self_attn.o_proj": (hidden, heads),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    for index in range(config["num_hidden_layers"]):
        for name, shape in layer.items():
            yield f"model.layers.{index}.{name}.weight", shape


def write_model(model: Path, path: Path) -> Path:
    """A copy with weights large enough to make every token depend on all before it.

    Those of `--load-format dummy` are so small that it knows little but the last one.
    """
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
