"""The real transformers, with a model of a few random weights that is made here."""

import threading
from collections.abc import Callable
from typing import Any

import anyio.to_thread
import pytest

torch = pytest.importorskip("torch", reason="comes with vLLM")
transformers = pytest.importorskip("transformers", reason="comes with vLLM")

from andes_client import pace, pace_blocking  # noqa: E402, after the skip
from andes_client import sources as generic  # noqa: E402
from andes_client.sources.transformers import generating, text, text_blocking  # noqa: E402
from tests.client.scripted_server import DEADLINE_S, QUICK, on_real_loops  # noqa: E402

WORDS = [f"w{number}" for number in range(60)]
Make = Callable[..., Any]

# torch 2.13 in transformers 5.19: it says so when a model is first made.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {word: number for number, word in enumerate(["<pad>", "</s>", *WORDS])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="</s>"
    )


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS) + 2,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=100_000,
        pad_token_id=0,
        eos_token_id=1,
    )
    return transformers.LlamaForCausalLM(config).eval()


@pytest.fixture
def generation(model: Any, tokenizer: Any) -> Make:
    """Makes one whose tokens are words, never the end unless it is asked for."""

    def make(**options: Any) -> Any:
        streamer = transformers.TextIteratorStreamer(tokenizer, skip_prompt=True)
        inputs = tokenizer(["w1 w2 w3"], return_tensors="pt")
        asked = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0}
        return generating(model.generate, streamer, **{**inputs, **asked, **options})

    return make


@pytest.fixture
def answer(model: Any, tokenizer: Any) -> str:
    """The first eight tokens, without a stream."""
    inputs = tokenizer(["w1 w2 w3"], return_tensors="pt")
    asked = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    tokens = model.generate(
        inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        max_new_tokens=8,
        **asked,
    )
    return str(tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :]))


def read_blocking(texts: Any) -> str:
    with pace_blocking(texts, QUICK) as paced:
        return "".join(paced)


async def read(texts: Any) -> str:
    async with pace(texts, QUICK) as paced:
        return "".join([word async for word in paced])


def test_the_text_and_how_it_ended(generation: Make, answer: str) -> None:
    texts = text_blocking(generation(max_new_tokens=8))
    assert read_blocking(texts) == answer
    assert texts.ending is not None
    assert texts.ending.reason == "length"


def test_it_is_recognised(generation: Make, answer: str) -> None:
    assert read_blocking(generic.text_blocking(generation(max_new_tokens=8))) == answer


def test_so_is_a_streamer_with_a_thread_of_your_own(
    model: Any, tokenizer: Any, answer: str
) -> None:
    streamer = transformers.TextIteratorStreamer(tokenizer, skip_prompt=True)
    inputs = tokenizer(["w1 w2 w3"], return_tensors="pt")["input_ids"]
    options = {"do_sample": False, "eos_token_id": None, "pad_token_id": 0, "max_new_tokens": 8}
    thread = threading.Thread(
        target=model.generate,
        args=(inputs,),
        kwargs={"streamer": streamer, **options},
        daemon=True,
    )
    thread.start()
    assert read_blocking(generic.text_blocking(streamer)) == answer
    thread.join(DEADLINE_S)


def test_the_token_for_the_end_is_an_end(generation: Make) -> None:
    texts = text_blocking(generation(max_new_tokens=8, eos_token_id=list(range(62))))
    assert read_blocking(texts)
    assert texts.ending is not None
    assert texts.ending.reason == "complete"


@pytest.mark.anyio
@on_real_loops
async def test_the_same_for_async_code(generation: Make, answer: str) -> None:
    texts = text(generation(max_new_tokens=8))
    assert await read(texts) == answer
    assert texts.ending is not None
    assert texts.ending.reason == "length"


def failing(after: int) -> Callable[..., bool]:
    """A stopping criterion that breaks down."""
    tokens = 0

    def criterion(*_: Any, **__: Any) -> bool:
        nonlocal tokens
        tokens += 1
        if tokens == after:
            raise RuntimeError("out of memory")
        return False

    return criterion


def test_an_error_inside_generate_is_raised_after_the_text(generation: Make, answer: str) -> None:
    texts = text_blocking(generation(max_new_tokens=99, stopping_criteria=[failing(4)]))
    said = ""
    with pytest.raises(RuntimeError, match="out of memory"), pace_blocking(texts, QUICK) as paced:
        for word in paced:
            said += word
    assert answer.startswith(said.strip())
    assert said
    assert texts.ending is not None
    assert texts.ending.reason == "failed"


@pytest.mark.anyio
@on_real_loops
async def test_so_it_is_for_async_code(generation: Make) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        await read(text(generation(max_new_tokens=99, stopping_criteria=[failing(4)])))


def test_what_the_streamer_refuses_is_raised_too(generation: Make, tokenizer: Any) -> None:
    """It takes one prompt at a time."""
    two = tokenizer(["w1 w2", "w3 w4"], return_tensors="pt")
    assert len(two["input_ids"]) == 2
    with pytest.raises(ValueError, match="batch size 1"):
        read_blocking(text_blocking(generation(max_new_tokens=8, **two)))


def test_who_leaves_stops_the_model(generation: Make) -> None:
    stream = generation(max_new_tokens=50_000)
    with pace_blocking(text_blocking(stream), QUICK) as paced:
        next(iter(paced))
    stream.thread.join(DEADLINE_S)
    assert not stream.thread.is_alive()


@pytest.mark.anyio
@on_real_loops
async def test_who_leaves_async_code_stops_the_model(generation: Make) -> None:
    stream = generation(max_new_tokens=50_000)
    async with pace(text(stream), QUICK) as paced:
        async for _ in paced:
            break
    stream.thread.join(DEADLINE_S)
    assert not stream.thread.is_alive()


class Stuck:
    """A stopping criterion that a test lets go on; the model says nothing meanwhile."""

    def __init__(self) -> None:
        self.tokens = 0
        self.waits, self.goes_on = threading.Event(), threading.Event()

    def __call__(self, *_: Any, **__: Any) -> bool:
        self.tokens += 1
        if self.tokens == 4:
            self.waits.set()
            self.goes_on.wait(DEADLINE_S)
        return False


def test_who_leaves_while_the_model_says_nothing_does_not_wait_for_it(generation: Make) -> None:
    stuck = Stuck()
    stream = generation(max_new_tokens=50_000, stopping_criteria=[stuck])
    with pace_blocking(text_blocking(stream), QUICK) as paced:
        next(iter(paced))
        assert stuck.waits.wait(DEADLINE_S)
    assert stream.thread.is_alive()
    stuck.goes_on.set()
    stream.thread.join(DEADLINE_S)
    assert not stream.thread.is_alive()
    assert stuck.tokens < 10


@pytest.mark.anyio
@on_real_loops
async def test_nor_does_async_code(generation: Make) -> None:
    stuck = Stuck()
    stream = generation(max_new_tokens=50_000, stopping_criteria=[stuck])
    async with pace(text(stream), QUICK) as paced:
        async for _ in paced:
            break
        assert await anyio.to_thread.run_sync(stuck.waits.wait, DEADLINE_S)
    assert stream.thread.is_alive()
    stuck.goes_on.set()
    stream.thread.join(DEADLINE_S)
    assert not stream.thread.is_alive()


def test_one_that_is_closed_before_it_is_read_never_runs(generation: Make) -> None:
    stream = generation(max_new_tokens=50_000)
    stream.close()
    assert list(stream) == []
    assert not stream.thread.is_alive()


def test_a_streamer_of_another_kind_is_refused(model: Any, tokenizer: Any) -> None:
    with pytest.raises(TypeError, match="needs a TextIteratorStreamer, not TextStreamer"):
        generating(model.generate, transformers.TextStreamer(tokenizer))
