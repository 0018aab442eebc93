"""How a field is found in whatever an SDK makes of its JSON."""

from collections import UserDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, PrivateAttr

from andes_client.sources.content import field


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    text: str | None = None
    _secret: str = PrivateAttr("not told")

    @property
    def answer(self) -> str:
        return f"<{self.text}>"


class Strict(BaseModel):
    text: str


class Lenient(Strict):
    """Answers for fields that it has not, as some SDKs' do."""

    def __getattr__(self, name: str) -> str:
        return f"no {name}"


class Loud(Strict):
    """Sees each field on its way out."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return found.upper() if name == "text" else found


@dataclass(slots=True)
class Slotted:
    text: str


@pytest.mark.parametrize(
    ("event", "name", "value"),
    [
        (Model(text="a"), "text", "a"),
        (Model(), "text", None),
        (Model.model_validate({"reasoning": "b"}), "reasoning", "b"),
        (Model.model_construct(reasoning="b"), "reasoning", "b"),
        (Model(text="a"), "answer", "<a>"),
        (Model(), "tool_calls", None),
        (Strict(text="a"), "text", "a"),
        (Strict(text="a"), "reasoning", None),
        (Strict.model_construct(), "text", None),
        (Lenient(text="a"), "reasoning", "no reasoning"),
        (Loud(text="a"), "text", "A"),
        (Slotted("a"), "text", "a"),
        (Slotted("a"), "reasoning", None),
        (SimpleNamespace(text="a"), "text", "a"),
        ({"text": "a", "items": 1}, "items", 1),
        ({}, "items", None),
        (UserDict(text="a"), "text", "a"),
        ("a text", "type", None),
        (None, "type", None),
    ],
    ids=repr,
)
def test_a_field_is_found_or_none(event: object, name: str, value: object) -> None:
    assert field(event, name) == value


def test_a_property_may_fail_as_it_likes() -> None:
    class Broken(Strict):
        @property
        def parsed(self) -> str:
            raise ValueError("no JSON")

    with pytest.raises(ValueError, match="no JSON"):
        field(Broken(text="a"), "parsed")
