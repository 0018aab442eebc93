"""The scheduler's settings: `--additional-config '{"andes": {"policy": "qoe", ...}}'`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from andes_client.expectation import Expectation

__all__ = ["AndesConfig"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "bad_hints": ("ignore", "refuse"),
    "andes_objective": ("average", "worst", "perfect"),
    "andes_packing": ("greedy", "exact"),
}
_MAY_BE_ZERO = (
    "default_ttft",
    "growth_reserve",
    "calm_reserve",
    "exchange_margin",
    "overdue_share",
    "plan_every_s",
    "andes_watermark",
    "andes_preemption_cap",
)


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
    horizon_s: float = 50.0
    """Serving a request now is weighed against serving it this much later, seconds."""
    growth_reserve: float = 0.1
    """KV blocks per running request that an admission always leaves free for their growth."""
    calm_reserve: float = 1.2
    """The same for an admission that is not worth a preemption.

    Running requests grow: filled to the last block, the memory is soon overcommitted, and
    somebody is preempted and later computed again, which delays everybody.
    """
    exchange_margin: float = 1.2
    """A waiting request displaces a running one if a KV block is worth more to it, by this many
    times what a block is worth to those who run on average. It stands for the price of a
    preemption: less means more of them, a better QoE and fewer tokens/s."""
    overdue_share: float = 0.05
    """Share of the KV memory for requests that are overdue, 0 to 1; 0: none."""
    max_wait_s: float = 30.0
    """A request is overdue when its reader has waited so long for text that was due, seconds."""
    expected_output_tokens: float = 300.0
    """Mean response length assumed until enough responses have finished here, tokens."""
    round_robin_tokens: float = 50.0
    """Tokens that a turn lasts under the policy `round-robin`."""
    plan_every_s: float = 0.5
    """A plan holds for so long while no queue changes, unless its policy asks for the next one
    sooner or later, seconds; 0: a plan in every step."""
    slow_plan_s: float = 0.05
    """Planning that takes longer is slow, seconds: it pauses for ten times as long."""
    bad_hints: str = "ignore"
    """Hints that make no sense are ignored (`ignore`), or their request is answered with
    HTTP 400 (`refuse`)."""
    andes_horizon_s: float = 10.0
    """The policy `andes` predicts QoE this far ahead, seconds (the paper's delta t)."""
    andes_objective: str = "average"
    """What `andes` maximises: the `average` QoE, the `worst` QoE, or the number of readers who
    are served `perfect`ly."""
    andes_packing: str = "greedy"
    """How `andes` chooses whom to serve: `greedy`, by gain per KV block, or `exact`."""
    andes_watermark: float = 0.9
    """Share of the KV memory in use from which on `andes` decides; below, all come in."""
    andes_preemption_cap: float = 1.0
    """Preemptions a request that `andes` allows on average (the paper's P)."""
    andes_refine: bool = True
    """Whether `andes` weighs each admission against the stall that it causes for the others."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "policy":
                if not isinstance(value, str) or not value:
                    raise ValueError(f"andes.policy must be a policy's name, not {value!r}")
                continue
            if field.name in _CHOICES:
                known = _CHOICES[field.name]
                if value not in known:
                    raise ValueError(
                        f"andes.{field.name} must be {' or '.join(known)}, not {value!r}"
                    )
                continue
            if field.type is bool:
                if not isinstance(value, bool):
                    raise ValueError(f"andes.{field.name} must be true or false, not {value!r}")
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
