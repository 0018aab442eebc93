"""A server as its flags make it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """A server as its flags make it, and the machine that it will run on."""

    parsed: Mapping[str, Any]
    """The flags as they are given, by the name of the option."""
    resolved: Mapping[str, Any]
    """What vLLM makes of them for this model; empty if it could not."""
    machine: Mapping[str, Any]
    """What vLLM says of its installation, see `engine.probe`."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def __getitem__(self, option: str) -> Any:
        """An option's value: as vLLM resolves it, or else as given."""
        return self.resolved.get(option, self.parsed.get(option))
