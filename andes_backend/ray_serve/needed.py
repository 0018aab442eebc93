"""How many replicas does Ray Serve need? From the numbers that its replicas say for autoscaling.

Ray's controller collects numbers only, each with its own history, so a replica's figures go there
one by one. What is made of them is `andes_backend.routing.scaling`, as in the twin.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from andes_backend.routing import BANDS, FiguresError, ReplicaFigures
from andes_backend.routing.scaling import LOST_EACH, Arrivals, Lately, replicas_needed

__all__ = ["POLICY", "Needed", "check_policy", "figures_in", "numbers_of"]

POLICY: Final = "andes_backend.ray_serve.autoscaling.ReadersNeed"
"""The policy, as Ray's `policy_function` names it."""

_PREFIX: Final = "andes_"
_DEMAND: Final = tuple(f"{_PREFIX}demand_{band}" for band in range(len(BANDS)))
_NOT_ALWAYS: Final = "expected_wait_s"  # of a number that is left out Ray keeps the last one
_EVERY_S: Final = 10.0  # Ray asks ten times a second, and replicas speak every ten seconds
_PATIENCE_S: Final = 30.0  # a replica that has just started has not spoken yet


def numbers_of(figures: ReplicaFigures) -> dict[str, float]:
    """What a replica says for autoscaling, by names of our own."""
    said = figures.to_mapping()
    demand = said.pop("demand")
    del said[_NOT_ALWAYS]
    numbers: dict[str, float] = {_PREFIX + name: value for name, value in said.items()}
    return numbers | dict(zip(_DEMAND, demand, strict=False))


def figures_in(said: Mapping[str, Mapping[Any, Sequence[Any]]]) -> dict[str, ReplicaFigures]:
    """The latest figures of each replica that has said all that replicas are reckoned by.

    Args:
        said: name of a number -> replica -> its history, oldest first; each entry has a `value`.
    """
    numbers: dict[str, dict[str, float]] = {}
    for name, histories in said.items():
        if name.startswith(_PREFIX):
            for replica, history in histories.items():
                if history:
                    numbers.setdefault(str(replica), {})[name] = history[-1].value
    found = {replica: _figures(of_one) for replica, of_one in numbers.items()}
    return {replica: one for replica, one in found.items() if one is not None and one.is_complete}


def _figures(numbers: Mapping[str, float]) -> ReplicaFigures | None:
    """None: they cannot be a replica's."""
    demand = [numbers[name] for name in _DEMAND if name in numbers]
    plain = {name.removeprefix(_PREFIX): one for name, one in numbers.items()}
    try:
        return ReplicaFigures.from_mapping({**plain, "demand": demand})
    except FiguresError:
        return None


class Needed:
    """Looks at the replicas now and then, and remembers what was needed of late.

    Args:
        target: how busy each replica shall be; 1 is all the time.
        lost_each: QoE that the readers who are there may lose by waiting, each on average.

    Raises:
        ValueError: a value is out of range.
    """

    def __init__(self, target: float = 1.0, lost_each: float = LOST_EACH) -> None:
        if not _is_positive(target):
            raise ValueError(f"target must be a number above 0, not {target!r:.80}")
        if not _is_positive(lost_each) or lost_each > 1:
            raise ValueError(f"lost_each must be above 0, up to 1, not {lost_each!r:.80}")
        self._target, self._lost_each = target, lost_each
        self._arrivals = Arrivals()
        self._lately: Lately | None = None
        self._looked_at = -math.inf
        self._unknown_since: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether it is time to look again; now: seconds on a clock that never goes back."""
        return now - self._looked_at >= _EVERY_S

    def look(self, figures: Mapping[str, ReplicaFigures], look_back_s: float, now: float) -> None:
        """Take in how the replicas are.

        Args:
            figures: replica -> its latest figures, of those that say any.
            look_back_s: what was needed is averaged over so long, seconds.
            now: as above.
        """
        self._looked_at = now
        if not figures:
            self._lately = None
            self._unknown_since = now if self._unknown_since is None else self._unknown_since
            return
        self._unknown_since = None
        busy = self._arrivals.look(figures, now)
        if self._lately is None:
            self._lately = Lately(look_back_s)
        needed = replicas_needed(
            list(figures.values()), busy, target=self._target, lost_each=self._lost_each
        )
        self._lately.add(needed, now)

    @property
    def wanted(self) -> int | None:
        """Replicas, 0 or more; None: nothing is known."""
        return None if self._lately is None else self._lately.wanted

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known for longer than it takes a replica to say something."""
        since = self._unknown_since
        return since is not None and self._looked_at - since >= _PATIENCE_S


def check_policy(deployment: Mapping[str, Any]) -> None:
    """Look at what our policy is told, before Ray's controller does.

    An error in there would stop the controller from deploying anything (Ray 2.60).

    Args:
        deployment: Ray's `deployment_config`, with an `autoscaling_config` or without.

    Raises:
        ValueError: a setting of ours is wrong, or there is no such setting.
    """
    policy = _part(_part(deployment, "autoscaling_config"), "policy")
    function = _part(policy, "policy_function")
    if isinstance(function, type):
        function = f"{function.__module__}.{function.__name__}"
    if not isinstance(function, str) or function.replace(":", ".") != POLICY:
        return
    try:
        Needed(**(_part(policy, "policy_kwargs") or {}))
    except (TypeError, ValueError) as error:
        raise ValueError(f"autoscaling_config.policy.policy_kwargs: {error}") from None


def _part(whole: object, name: str) -> Any:
    """Of a mapping, or of one of Ray's objects; None: it is not there."""
    return whole.get(name) if isinstance(whole, Mapping) else getattr(whole, name, None)


def _is_positive(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf  # type: ignore[operator]
