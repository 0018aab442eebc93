"""What a replica publishes of itself, about once a second, for those who route by it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

__all__ = ["BANDS", "FiguresError", "ReplicaFigures", "band_of"]

_HIGHEST: Final = 0.05
_RATIO: Final = 0.75

BANDS: Final = tuple(_HIGHEST * _RATIO**step for step in range(40))
"""The lower ends of the bands of worth in `ReplicaFigures.demand`, falling: what a token of KV
memory is worth to a request, in QoE that its reader loses if it is served `horizon_s` later."""


class FiguresError(ValueError):
    """Figures that cannot be those of a replica; the message says which, and why."""


def band_of(worth: float) -> int:
    """The band of a worth in QoE per token; the last one takes all that is less.

    Args:
        worth: 0 or more.
    """
    if worth >= _HIGHEST:
        return 0
    if worth <= BANDS[-1]:
        return len(BANDS) - 1
    # Rounding may put a worth on the edge of a band into the next one, which is as good.
    return min(len(BANDS) - 1, math.ceil(math.log(worth / _HIGHEST) / math.log(_RATIO)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFigures:
    """A replica as it was when it published these.

    All of it is known to our scheduler; `andes_backend.engine.figures` makes it. vLLM's own
    scheduler knows the first four, and then the others keep their defaults.

    Raises:
        FiguresError: a figure is not a number, or out of range.
    """

    waiting: int
    """Requests that hold no KV memory."""
    running: int
    """Requests that hold KV memory."""
    kv_tokens: int
    """Tokens that fit the KV memory."""
    free_tokens: int
    """Of them, those that nobody holds."""
    overdue: int = 0
    """Requests whose reader waits for text that is due."""
    expected_wait_s: float | None = None
    """How long an average request that arrives waits for its first text, in half of the cases,
    seconds; None: not known."""
    most_running: int = 0
    """Requests that can run at once; 0: not known."""
    step_s: float = 0.0
    """How long a step takes that yields a token for each running request, seconds; 0: not known."""
    prompt_token_s: float = 0.0
    """Engine time to compute a token of a prompt, seconds; 0: not known."""
    prompt_tokens_due: int = 0
    """Tokens of prompts that are admitted or will be soon, and are not computed yet."""
    output_tokens: float = 0.0
    """Mean length of a response here; 0: not known."""
    horizon_s: float = 0.0
    """What `demand` is worth is lost in so many seconds; 0: there is no demand."""
    arrived: int = 0
    """Requests that have come since the engine started."""
    arrived_tokens: int = 0
    """Tokens of their prompts."""
    found_tokens: int = 0
    """Of these, those that were found in the prefix cache."""
    demand: tuple[float, ...] = ()
    """Tokens of KV memory that waiting and running requests want, by what a token is worth to
    them: one figure for each of BANDS; empty: not known."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "demand":
                if len(value) not in (0, len(BANDS)):
                    raise FiguresError(f"demand has {len(value)} bands instead of {len(BANDS)}")
                for one in value:
                    _check("demand", one)
            elif value is not None or field.name != "expected_wait_s":
                _check(field.name, value)

    @property
    def ongoing(self) -> int:
        """Requests that wait or run."""
        return self.waiting + self.running

    @property
    def is_complete(self) -> bool:
        """Whether a request can be scored by them."""
        return bool(self.demand and self.horizon_s and self.step_s and self.kv_tokens)

    def to_mapping(self) -> dict[str, Any]:
        """Numbers, None and lists of numbers, as JSON and Ray have them."""
        return {**asdict(self), "demand": list(self.demand)}

    @classmethod
    def from_mapping(cls, value: object) -> "ReplicaFigures":
        """What `to_mapping` made; what a later version has added is passed over.

        Raises:
            FiguresError: it is not a mapping, one of the first four is missing, or a value is
                wrong.
        """
        if not isinstance(value, Mapping):
            raise FiguresError(f"a replica's figures must be an object, not {value!r:.80}")
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        for name in ("waiting", "running", "kv_tokens", "free_tokens"):
            if name not in known:
                raise FiguresError(f"a replica's figures have no {name}")
        demand = known.get("demand", ())
        if not isinstance(demand, list | tuple):
            raise FiguresError(f"demand must be a list of numbers, not {demand!r:.80}")
        return cls(**{**known, "demand": tuple(demand)})


def _check(name: str, value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < math.inf:  # type: ignore[operator]
        raise FiguresError(f"{name} must be a finite number, 0 or more, not {value!r:.80}")
