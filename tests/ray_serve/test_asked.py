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
    return SimpleNamespace(**{"prompt": None, "messages": None, "vllm_xargs": None, **fields})


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


@pytest.mark.parametrize("arguments", [[], [None, 3], [body(input="an embedding")]])
def test_other_calls_have_no_reader(arguments: list[Any]) -> None:
    assert asked_of(arguments, DEFAULTS) is None
