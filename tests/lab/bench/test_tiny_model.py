"""The tiny model: a directory that a server can load, made once, without the network."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.bench.load import Target
from andes_backend.lab.bench.tiny_model import FIRST_ORDINARY_TOKEN, VOCABULARY, make_tiny_model

tokenizers = pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny", hidden_size=256, layers=4)


@pytest.fixture(scope="module")
def tokenizer(model: Path) -> Any:
    return tokenizers.Tokenizer.from_file(str(model / "tokenizer.json"))


def config(model: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((model / "config.json").read_text())
    return value


def test_the_configuration_is_a_llama_of_the_sizes_asked_for(model: Path) -> None:
    found = config(model)
    assert found["architectures"] == ["LlamaForCausalLM"]
    assert (found["hidden_size"], found["num_hidden_layers"]) == (256, 4)
    assert found["num_attention_heads"] * found["head_dim"] == 256
    assert found["num_attention_heads"] % found["num_key_value_heads"] == 0
    assert found["max_position_embeddings"] >= 4096


def test_every_token_the_model_can_say_is_whole_ascii_text(model: Path, tokenizer: Any) -> None:
    """No token is half a character, and none is beyond the tokenizer's vocabulary."""
    size = config(model)["vocab_size"]
    assert 900 < size == tokenizer.get_vocab_size() <= VOCABULARY
    texts = [tokenizer.decode([token]) for token in range(FIRST_ORDINARY_TOKEN, size)]
    assert all(text and text.isascii() for text in texts)
    assert len(set(texts)) == len(texts)


def test_the_loads_default_prompts_are_within_the_vocabulary(tokenizer: Any) -> None:
    lowest, highest = Target(url="", model="").token_ids
    assert FIRST_ORDINARY_TOKEN <= lowest < highest < tokenizer.get_vocab_size()


@pytest.mark.parametrize(
    "text", ["When you read a book, your eyes jump.", "Zebras!\n\tfor x in [1]: ~^|`"]
)
def test_ascii_text_survives_the_tokenizer(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_special_tokens_are_where_the_configuration_says(model: Path, tokenizer: Any) -> None:
    found = config(model)
    assert tokenizer.id_to_token(found["bos_token_id"]) == "<s>"
    assert tokenizer.id_to_token(found["eos_token_id"]) == "</s>"
    assert tokenizer.token_to_id("<|system|>") == FIRST_ORDINARY_TOKEN - 1


def test_the_chat_template_renders(model: Path, tokenizer: Any) -> None:
    jinja2 = pytest.importorskip("jinja2")
    template = json.loads((model / "tokenizer_config.json").read_text())["chat_template"]
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    text = jinja2.Template(template).render(
        messages=messages, bos_token="<s>", add_generation_prompt=True
    )
    assert text == "<s><|system|>\nBe kind.\n<|user|>\nHello\n<|assistant|>\n"
    roles = [token for token in tokenizer.encode(text).tokens if token.startswith("<|")]
    assert roles == ["<|system|>", "<|user|>", "<|assistant|>"]


def test_it_is_made_once(model: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in model.iterdir()}
    assert make_tiny_model(model, hidden_size=256, layers=4) == model
    assert {path.name: path.stat().st_mtime_ns for path in model.iterdir()} == before


def test_it_appears_whole_however_many_make_it(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "tiny"
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_tiny_model(path, hidden_size=64, layers=1), range(8)))
    assert made == [path] * 8
    assert [entry.name for entry in path.parent.iterdir()] == ["tiny"]
    names = {"config.json", "tokenizer.json", "tokenizer_config.json"}
    assert {entry.name for entry in path.iterdir()} == names


def test_a_model_of_other_sizes_is_not_taken_for_it(model: Path) -> None:
    with pytest.raises(FileExistsError, match=r"holds a model of 256 x 4 .* not 768 x 10"):
        make_tiny_model(model)


@pytest.mark.parametrize("content", [None, "{}", "not json", "[]"])
def test_something_else_in_its_place_is_left_alone(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(FileExistsError, match="is not a model directory: name another place"):
        make_tiny_model(tmp_path)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"hidden_size": 100}, "hidden_size must be a multiple of 64, not 100"),
        ({"hidden_size": 0}, "hidden_size must be a multiple of 64, not 0"),
        ({"layers": 0}, "layers must be 1 or more, not 0"),
    ],
)
def test_sizes_out_of_range_are_refused(
    tmp_path: Path, sizes: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        make_tiny_model(tmp_path / "tiny", **sizes)
    assert list(tmp_path.iterdir()) == []
