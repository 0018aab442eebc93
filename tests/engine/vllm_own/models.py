"""The models that vLLM's tests name, as small configurations in directories of these names.

A test that asks for `facebook/opt-125m` finds the directory when it runs beside it, and
nothing is downloaded. There are no weights: a scheduler needs none.
"""

import json
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer, models, pre_tokenizers

__all__ = ["make_models"]

_OPT: Final = {
    "architectures": ["OPTForCausalLM"],
    "model_type": "opt",
    "hidden_size": 768,
    "ffn_dim": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "word_embed_proj_dim": 768,
    "max_position_embeddings": 2048,
    "vocab_size": 50272,
    "torch_dtype": "float16",
}

# The tests want a model with inputs besides text, 576 embeddings each. vLLM's image models need
# torchvision, which has no CPU build on PyPI; to the scheduler an audio clip is the same.
_AUDIO: Final = {
    "architectures": ["Qwen2AudioForConditionalGeneration"],
    "model_type": "qwen2_audio",
    "audio_token_index": 3,
    "torch_dtype": "float16",
    "text_config": {
        "model_type": "qwen2",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "vocab_size": 1024,
    },
    "audio_config": {
        "model_type": "qwen2_audio_encoder",
        "d_model": 64,
        "encoder_layers": 2,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 128,
        "num_mel_bins": 128,
        "max_source_positions": 1152,
    },
}


def make_models(root: Path) -> None:
    """Write the directories below `root`."""
    for name in ("facebook/opt-125m", "facebook/opt-350m"):
        _write(root / name / "config.json", _OPT)
    audio = root / "llava-hf" / "llava-1.5-7b-hf"
    _write(audio / "config.json", _AUDIO)
    _write(audio / "processor_config.json", {"processor_class": "Qwen2AudioProcessor"})
    _write(
        audio / "preprocessor_config.json",
        {
            "feature_extractor_type": "WhisperFeatureExtractor",
            "feature_size": 128,
            "sampling_rate": 16000,
            "hop_length": 160,
            "chunk_length": 30,
            "n_fft": 400,
            "padding_value": 0.0,
        },
    )
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "<s>": 1, "</s>": 2}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"])
    tokenizer.save(str(audio / "tokenizer.json"))
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    _write(
        audio / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 2048, **special},
    )


def _write(path: Path, value: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
