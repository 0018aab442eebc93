"""A model small enough for a laptop's CPU, made on the spot: no download, no weights.

The directory holds a Llama configuration and a tokenizer; a server fills in random weights
with `--load-format dummy`. What such a model says is nonsense, but it says it token by
token through the whole of a real server, at a length that the request fixes with
`ignore_eos`. That is how serving benchmarks are usually run.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from andes_backend.lab.bench.english import PARAGRAPHS

__all__ = ["FIRST_ORDINARY_TOKEN", "VOCABULARY", "make_tiny_model"]

VOCABULARY: Final = 1024
"""Most tokens that the tokenizer may have; the built-in text yields nearly as many."""

_SPECIAL: Final = ("<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>")

FIRST_ORDINARY_TOKEN: Final = len(_SPECIAL)
"""Token ids below this one are special; all others are text."""

_HEAD: Final = 64  # floats in an attention head: a size that every attention kernel has

_CHAT_TEMPLATE: Final = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


def make_tiny_model(path: str | Path, *, hidden_size: int = 768, layers: int = 10) -> Path:
    """Write a Llama-shaped model directory, or reuse the one that is there.

    Args:
        path: the directory; its parents are made. It appears whole or not at all.
        hidden_size: floats in a hidden state; a multiple of 64.
        layers: transformer layers, 1 or more. With 768 x 10 a 2-core CPU is busy at
            about 900 tokens/s.

    Returns:
        The directory, as an absolute path.

    Raises:
        ValueError: a size is out of range.
        FileExistsError: something else is at `path`, a model of other sizes for one.
    """
    if hidden_size < _HEAD or hidden_size % _HEAD:
        raise ValueError(f"hidden_size must be a multiple of {_HEAD}, not {hidden_size}")
    if layers < 1:
        raise ValueError(f"layers must be 1 or more, not {layers}")
    path = Path(path).absolute()
    if path.exists():
        return _checked(path, hidden_size, layers)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=path.name + ".", dir=path.parent))
    try:
        draft.chmod(0o755)  # mkdtemp makes it private
        vocabulary = _write_tokenizer(draft)
        _write_json(draft / "config.json", _config(hidden_size, layers, vocabulary))
        draft.rename(path)
    except OSError:
        if not path.exists():
            raise
        return _checked(path, hidden_size, layers)  # another process was first
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return path


def _checked(path: Path, hidden_size: int, layers: int) -> Path:
    try:
        found = json.loads((path / "config.json").read_text())
        sizes = found["hidden_size"], found["num_hidden_layers"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileExistsError(
            f"{path} exists but is not a model directory: name another place, or remove it"
        ) from None
    if sizes != (hidden_size, layers):
        raise FileExistsError(
            f"{path} holds a model of {sizes[0]} x {sizes[1]} (hidden size x layers), not "
            f"{hidden_size} x {layers}: name another place, or remove it"
        )
    return path


def _config(hidden_size: int, layers: int, vocabulary: int) -> dict[str, Any]:
    heads = hidden_size // _HEAD
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden_size,
        "intermediate_size": 4 * hidden_size,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "head_dim": _HEAD,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "vocab_size": vocabulary,  # no more than the tokenizer's: every token has a text
        "bos_token_id": _SPECIAL.index("<s>"),
        "eos_token_id": _SPECIAL.index("</s>"),
        "torch_dtype": "bfloat16",
    }


def _write_tokenizer(path: Path) -> int:
    """Train and write the tokenizer; returns the number of its tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # Bytes above 127 are pieces of characters: a random token must not be half of one.
    ascii_bytes = [chr(byte) for byte in range(0x21, 0x7F)] + ["\u0120", "\u010a", "\u0109"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=1,
        special_tokens=list(_SPECIAL),
        initial_alphabet=ascii_bytes,  # with space, newline and tab as byte-level BPE writes them
        show_progress=False,
    )
    tokenizer.train_from_iterator(PARAGRAPHS, trainer)
    tokenizer.save(str(path / "tokenizer.json"))
    _write_json(
        path / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "model_max_length": 4096,
            "clean_up_tokenization_spaces": False,
            "chat_template": _CHAT_TEMPLATE,
        },
    )
    return int(tokenizer.get_vocab_size())


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n")
