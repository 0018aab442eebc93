"""The scheduler's settings: `--additional-config '{"andes": {"policy": "qoe", ...}}'`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from andes_backend.setting_names import UNNEEDED, current_names
from andes_client.expectation import Expectation

__all__ = ["AndesConfig"]

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "bad_hints": ("ignore", "refuse"),
    "andes_objective": ("average", "worst", "perfect"),
    "andes_packing": ("greedy", "exact"),
    "vtc_forecast": ("none", "average", "known"),
}
_MAY_BE_ZERO = (
    "default_ttft",
    "decode_headroom",
    "admission_headroom",
    "preemption_margin",
    "overdue_kv_share",
    "plan_every_s",
    "refuse_after_s",
    "andes_watermark",
    "andes_preemption_cap",
    "vtc_preempt_lead",
    "fairness",
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
    """Expected time to first token, where a request does not say it, seconds."""
    default_tds: float = 4.8
    """Expected token delivery speed, where a request does not say it, tokens/s."""
    ahead_s: float = 600.0
    """How far `qoe` serves a request ahead of its reader while others wait, seconds of text: a
    reader may leave, and then nobody reads it."""
    program_tds: float = 20.0
    """Speed at which the scheduler plans a request that a program reads (tds = inf), tokens/s.

    A program has no pace of its own. The higher this is, the less slack the scheduler assumes.
    """
    horizon_s: float = 50.0
    """A policy compares serving a request now with serving it this much later, seconds."""
    decode_headroom: float = 0.1
    """KV blocks per running request that every admission leaves free, for the tokens that these
    requests decode next."""
    admission_headroom: float = 1.2
    """KV blocks per running request that an admission leaves free if it is not worth a preemption.

    Running requests grow with each token. If admissions filled the memory to the last block, it
    would soon be overcommitted: vLLM would preempt a request and later compute it again, which
    delays all others.
    """
    preemption_margin: float | None = None
    """Not needed any more, and gone in the next release: the policy learns what a preemption
    costs. If it is given, a waiting request displaces a running one if a KV block is worth more to
    it by this many times the average worth of a block, were all memory given to those who gain
    most."""
    overdue_kv_share: float = 0.02
    """Share of the KV memory, and of the engine's time, that is reserved for overdue requests, 0 to
    1; 0: none."""
    overdue_after_s: float = 30.0
    """A request is overdue when its reader has waited this long for text that was due, seconds."""
    expected_output_tokens: float = 300.0
    """Mean response length, assumed until enough responses have finished here, tokens."""
    round_robin_tokens: float = 50.0
    """Length of a turn under the policy `round-robin`, tokens."""
    plan_every_s: float = 0.5
    """How long a plan holds while no queue changes, unless its policy asks for another time,
    seconds; 0: a plan in every step."""
    slow_plan_s: float = 0.05
    """A plan that takes longer is slow, seconds: planning then pauses for ten times as long."""
    refuse_after_s: float = 0.0
    """A request that could expect its first text later than this is refused when it arrives, with
    HTTP 503 and `Retry-After`, seconds; 0: none is. It takes our plug-in for HTTP routes."""
    bad_hints: str = "ignore"
    """What to do with invalid hints: `ignore` them, or `refuse` the request with HTTP 400."""
    reports: bool = True
    """Whether the server hears what readers report while their text streams, where vLLM has loaded
    the route for it."""
    report_calls_per_s: float = 100.0
    """Calls with reports that each front end takes a second; those beyond get HTTP 429."""
    andes_horizon_s: float = 10.0
    """How far ahead the policy `andes` predicts QoE, seconds (the paper's delta t)."""
    andes_objective: str = "average"
    """What `andes` maximises: the `average` QoE, the `worst` QoE, or the number of readers whom it
    serves `perfect`ly."""
    andes_packing: str = "greedy"
    """How `andes` chooses the requests to serve: `greedy`, by gain per KV block, or `exact`."""
    andes_watermark: float = 0.9
    """`andes` decides only above this share of KV memory in use; below, it admits every request."""
    andes_preemption_cap: float = 1.0
    """Preemptions per request that `andes` allows on average (the paper's P)."""
    andes_refine: bool = True
    """Whether `andes` weighs each admission against the stall that it causes for other readers."""
    prompt_price: float = 1.0
    """What a user pays for a prompt token (VTC's w_p)."""
    output_price: float = 2.0
    """What a user pays for a response token (VTC's w_q)."""
    user_weights: Mapping[str, float] = field(default_factory=dict)
    """User name -> weight. Of two users who always have requests waiting, one of weight 2 gets
    twice the service of one of weight 1. A user who is not named has weight 1."""
    forget_user_s: float = 3600.0
    """How long the service of a user who sends no request is remembered, seconds."""
    exchange_dir: str = ""
    """Directory in which engines that serve the same users tell each other, once a second, what
    these have received; empty: each engine counts alone."""
    fairness: float = 0.5
    """How `qoe` weighs fairness between users, 0 to 1. What counts is the lead of a user in
    service over another who waits for text that is due: a lead of 10,000 (1 - fairness) / fairness
    prompt tokens halves what a request is worth. 0: only QoE counts; 1: the user who has received
    least goes first, and QoE decides between requests of the same user."""
    vtc_forecast: str = "none"
    """How much of a response `vtc` charges at admission: `none` of it, or the `average` of the
    user's last five. (`known`: its true length, in simulations only.)"""
    vtc_lift: bool = True
    """Whether `vtc` lifts the counter of a returning user to the least counter of those who wait.
    Without the lift, users save up service that they did not ask for, and later spend it at the
    cost of the others."""
    vtc_preempt_lead: float = 0.0
    """`vtc` preempts a user who has received this much more than one who waits, prompt tokens;
    0: users who wait get room only as responses end."""

    def __post_init__(self) -> None:
        for setting in fields(self):
            name, value = setting.name, getattr(self, setting.name)
            if name == "policy":
                if not isinstance(value, str) or not value:
                    raise ValueError(f"andes.policy must be a policy's name, not {value!r}")
            elif name == "exchange_dir":
                if not isinstance(value, str):
                    raise ValueError(f"andes.exchange_dir must be a directory, not {value!r}")
            elif name == "user_weights":
                _check_weights(value)
            elif name in _CHOICES:
                if value not in _CHOICES[name]:
                    known = " or ".join(_CHOICES[name])
                    raise ValueError(f"andes.{name} must be {known}, not {value!r}")
            elif setting.type is bool:
                if not isinstance(value, bool):
                    raise ValueError(f"andes.{name} must be true or false, not {value!r}")
            elif name in UNNEEDED and value is None:
                continue
            elif name == "fairness":
                _check_number("andes.fairness", value, 0.0, most=1.0)
            else:
                _check_number(f"andes.{name}", value, 0.0 if name in _MAY_BE_ZERO else 1e-3)

    @classmethod
    def from_mapping(cls, settings: object) -> "AndesConfig":
        """The settings under the key "andes" of vLLM's additional config.

        Args:
            settings: a mapping of setting names to values, or None for all defaults. Old names
                are accepted; each logs a warning.

        Raises:
            ValueError: not a mapping, an unknown name, a setting under its old and its new name,
                or a bad value.
        """
        if settings is None:
            return cls()
        if not isinstance(settings, Mapping):
            raise ValueError(
                '--additional-config needs an object under "andes", such as '
                f'{{"andes": {{"policy": "qoe"}}}}, not {settings!r}'
            )
        known = [field.name for field in fields(cls)]
        renamed = current_names(settings)
        for name in renamed:
            if name not in known:
                raise ValueError(
                    f"unknown setting andes.{name} in --additional-config; "
                    f"the settings are: {', '.join(known)}"
                )
        return cls(**renamed)

    @property
    def default_expectation(self) -> Expectation:
        """What the scheduler assumes of a reader whose request does not say."""
        return Expectation(self.default_ttft, self.default_tds)


SETTINGS: Final = tuple(one.name for one in fields(AndesConfig) if one.name != "policy")
"""What a command's --set may set."""


def _check_number(name: str, value: object, least: float, most: float = math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, not {value!r}")
    if not least <= value < math.inf:
        raise ValueError(f"{name} must be finite and at least {least:g}, not {value!r}")
    if value > most:
        raise ValueError(f"{name} must be at most {most:g}, not {value!r}")


def _check_weights(weights: object) -> None:
    if not isinstance(weights, Mapping):
        raise ValueError(
            'andes.user_weights must be an object of names and weights, such as {"gold": 2}, '
            f"not {weights!r}"
        )
    for name, weight in weights.items():
        _check_number(f"andes.user_weights[{name!r:.60}]", weight, 1e-3)
