"""What our router on Ray reads from the bodies that Ray hands it."""

from types import SimpleNamespace
from typing import Any

import pytest

from andes_backend.config import AndesConfig
from andes_backend.ray_serve.asked import asked_of
from andes_backend.routing import Asked

DEFAULTS = AndesConfig()


def body(**fields: Any) -> Any:
    """A body as Ray parses it: an object with the request's fields, absent ones None."""
    return SimpleNamespace(
        **{"prompt": None, "messages": None, "vllm_xargs": None, "cache_salt": None, **fields}
    )


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        ({"prompt": [5] * 37}, 37),
        ({"prompt": "four"}, 1),
        ({"prompt": "x" * 400}, 100),
        ({"prompt": ["x" * 40, "x" * 40]}, 20),
        ({"prompt": ""}, 1),
        ({"messages": [{"role": "user", "content": "x" * 80}]}, 20),
        (
            {
                "messages": [
                    {"role": "system", "content": "x" * 40},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "x" * 40},
                            {"type": "image_url", "image_url": {"url": "data:" + "x" * 4000}},
                        ],
                    },
                    {"role": "assistant", "content": None},
                ]
            },
            20,
        ),
    ],
)
def test_a_prompt_is_as_long_as_its_tokens_or_about_a_quarter_of_its_characters(
    content: dict[str, Any], tokens: int
) -> None:
    asked = asked_of(["not the body", body(**content)], DEFAULTS)
    assert asked is not None
    assert asked.prompt_tokens == tokens


@pytest.mark.parametrize(
    ("hints", "ttft", "tds"),
    [
        (None, DEFAULTS.default_ttft, DEFAULTS.default_tds),
        ({}, DEFAULTS.default_ttft, DEFAULTS.default_tds),
        ({"other": 1}, DEFAULTS.default_ttft, DEFAULTS.default_tds),
        ({"andes_ttft": 2.5}, 2.5, DEFAULTS.default_tds),
        ({"andes_ttft": 2.5, "andes_tds": 9.0}, 2.5, 9.0),
        ({"andes_tds": "inf"}, DEFAULTS.default_ttft, DEFAULTS.program_tds),
        ({"andes_tds": -1}, DEFAULTS.default_ttft, DEFAULTS.default_tds),
        ("andes_tds", DEFAULTS.default_ttft, DEFAULTS.default_tds),
    ],
)
def test_a_reader_is_as_the_scheduler_takes_them(hints: Any, ttft: float, tds: float) -> None:
    asked = asked_of([body(prompt="x", vllm_xargs=hints)], DEFAULTS)
    assert asked == Asked(prompt_tokens=1, ttft=ttft, tds=tds)


def blocks(**fields: Any) -> tuple[Any, ...]:
    asked = asked_of([body(**fields)], DEFAULTS)
    assert asked is not None
    return asked.blocks


LONG, MORE = "a" * 300 + "b" * 300, "c" * 300


def test_who_goes_on_with_a_conversation_begins_with_the_blocks_of_the_last_round() -> None:
    first = [{"role": "user", "content": LONG}]
    then = [*first, {"role": "assistant", "content": MORE}, {"role": "user", "content": MORE}]
    before, after = blocks(messages=first), blocks(messages=then)
    assert (len(before), len(after)) == (2, 4)
    assert after[:2] == before
    assert len(set(after)) == 4


def test_a_block_stands_for_all_that_was_said_before_it() -> None:
    one, other = blocks(prompt="a" * 256 + LONG), blocks(prompt="b" * 256 + LONG)
    assert not set(one) & set(other)


def test_tokens_have_blocks_as_text_has() -> None:
    tokens = list(range(200))
    assert len(blocks(prompt=tokens)) == 3
    assert blocks(prompt=tokens)[:2] == blocks(prompt=tokens[:130])


def test_prompts_of_another_salt_have_nothing_in_common() -> None:
    assert not set(blocks(prompt=LONG, cache_salt="one")) & set(blocks(prompt=LONG))
    assert blocks(prompt=LONG, cache_salt="one") == blocks(prompt=LONG, cache_salt="one")


@pytest.mark.parametrize("arguments", [[], [None, 3], [body(input="an embedding")]])
def test_other_calls_have_no_reader(arguments: list[Any]) -> None:
    assert asked_of(arguments, DEFAULTS) is None
