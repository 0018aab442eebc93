"""The scheduler's settings: `--additional-config '{"andes": {"policy": "qoe", ...}}'`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from andes_client.expectation import Expectation

__all__ = ["AndesConfig"]

_MAY_BE_ZERO = ("default_ttft", "growth_reserve", "calm_reserve", "recompute_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class AndesConfig:
    """Checked settings; unknown names and bad values are errors when the server starts.

    Raises:
        ValueError: a value has the wrong type or is out of range.
    """

    policy: str = "qoe"
    """The policy's name: one of andes_backend.policy.POLICIES."""
    default_ttft: float = 1.0
    """Time to first token of a reader whose request does not say, seconds."""
    default_tds: float = 4.8
    """Token delivery speed of a reader whose request does not say, tokens/s."""
    program_tds: float = 20.0
    """Speed at which a request that is read by a program (tds = inf) is planned, tokens/s.

    A program has no pace of its own: the higher this is, the less slack it is taken to have.
    """
    horizon_s: float = 4.0
    """Serving a request now is weighed against serving it this much later, seconds."""
    growth_reserve: float = 0.1
    """KV blocks per running request that an admission always leaves free for their growth."""
    calm_reserve: float = 0.5
    """The same for an admission that gains less than a preemption would cost.

    Running requests grow: filled to the last block, the memory is soon overcommitted, and
    somebody is preempted and later computed again, which delays everybody.
    """
    recompute_s: float = 0.25
    """What a preemption costs: time to compute a typical request again, seconds."""
    expected_output_tokens: float = 300.0
    """Mean response length assumed until enough responses have finished here, tokens."""
    round_robin_tokens: float = 50.0
    """Tokens that a turn lasts under the policy `round-robin`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "policy":
                if not isinstance(value, str) or not value:
                    raise ValueError(f"andes.policy must be a policy's name, not {value!r}")
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"andes.{field.name} must be a number, not {value!r}")
            least = 0.0 if field.name in _MAY_BE_ZERO else 1e-3
            if not least <= value < math.inf:
                raise ValueError(
                    f"andes.{field.name} must be finite and at least {least:g}, not {value!r}"
                )

    @classmethod
    def from_mapping(cls, settings: object) -> "AndesConfig":
        """The settings under the key "andes" of vLLM's additional config.

        Args:
            settings: a mapping of setting names to values, or None for all defaults.

        Raises:
            ValueError: not a mapping, an unknown name, or a bad value.
        """
        if settings is None:
            return cls()
        if not isinstance(settings, Mapping):
            raise ValueError(
                '--additional-config needs an object under "andes", such as '
                f'{{"andes": {{"policy": "qoe"}}}}, not {settings!r}'
            )
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise ValueError(
                    f"unknown setting andes.{name} in --additional-config; "
                    f"the settings are: {', '.join(known)}"
                )
        return cls(**settings)

    @property
    def default_expectation(self) -> Expectation:
        """What is expected by a reader whose request does not say."""
        return Expectation(self.default_ttft, self.default_tds)
