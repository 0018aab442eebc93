"""A server's /metrics as figures: Prometheus' text format, with its labels."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Exposition", "Sample"]

_SAMPLE: Final = re.compile(
    r"^(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)", re.MULTILINE
)
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: a value and what it is of."""

    labels: Mapping[str, str]
    value: float


class Exposition:
    """All that a server says of itself at a time.

    A sample whose value is no number, or NaN, or infinite, is left out: it says nothing.

    Args:
        text: the body of `GET /metrics`.
    """

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[Sample]] = {}
        for line in _SAMPLE.finditer(text):
            value = _number(line["value"])
            if value is not None:
                labels = dict(_LABEL.findall(line["labels"] or ""))
                self._samples.setdefault(line["name"], []).append(Sample(labels, value))

    def has(self, prefix: str) -> bool:
        """Whether any metric's name begins so."""
        return any(name.startswith(prefix) for name in self._samples)

    def of(self, name: str) -> list[Sample]:
        """All samples of a metric; none if the server does not have it."""
        return self._samples.get(name, [])

    def total(self, name: str, **labels: str) -> float:
        """The sum over all samples with these labels; 0 if there are none."""
        return sum(
            sample.value for sample in self.of(name) if labels.items() <= sample.labels.items()
        )

    def most(self, name: str) -> float:
        """The largest sample; 0 if there are none."""
        return max((sample.value for sample in self.of(name)), default=0.0)


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
