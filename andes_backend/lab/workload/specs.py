"""Things that are named on a command line with their parameters: `gamma:cv=3`.

A kind of thing is a frozen dataclass derived from `Spec`; its fields are the parameters, each
an int or a float, and it checks them itself. `str(thing)` is the text that makes it again.
"""

from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, NoReturn, TypeVar

from andes_backend.lab.workload.requests import WorkloadError

__all__ = ["Spec", "parse"]


@dataclass(frozen=True)
class Spec:
    """Something with a name and checked parameters."""

    spec_name: ClassVar[str]
    """What stands before the colon."""

    def __str__(self) -> str:
        given = [(f.name, getattr(self, f.name)) for f in fields(self)]
        shown = [
            f"{name}={repr(value).removesuffix('.0')}"
            for (name, value), field in zip(given, fields(self), strict=True)
            if value != field.default
        ]
        return self.spec_name + ("" if not shown else ":" + ",".join(shown))

    def refuse(self, parameter: str, wanted: str) -> NoReturn:
        """Say that a parameter is out of range.

        Raises:
            WorkloadError: always; the message has the parameter, what it is and `wanted`.
        """
        value = getattr(self, parameter)
        raise WorkloadError(f"{self.spec_name}: {parameter} must be {wanted}, not {value!r}")


Kind = TypeVar("Kind", bound=Spec)


def parse(text: str, what: str, kinds: Sequence[type[Kind]]) -> Kind:
    """Make what a text such as `gamma:cv=3` names.

    Args:
        text: a name, then maybe a colon and `parameter=value` with commas between.
        what: what the kinds are, in the plural: "arrivals".
        kinds: the dataclasses that can be named.

    Raises:
        WorkloadError: no such name, or a parameter is unknown, missing, given twice, not
            a number, or out of range; the message says which, and what there is.
    """
    name, colon, rest = text.partition(":")
    kind = next((kind for kind in kinds if kind.spec_name == name.strip()), None)
    if kind is None:
        there_are = ", ".join(_usage(kind) for kind in kinds)
        raise WorkloadError(f"unknown {what} {name.strip()!r}; choose from: {there_are}")
    try:
        return kind(**_parameters(kind, rest if colon else ""))
    except WorkloadError as error:
        raise WorkloadError(f"{error} (in {text!r})") from None


def _parameters(kind: type[Spec], text: str) -> dict[str, Any]:
    known = {field.name: field for field in fields(kind)}
    values: dict[str, Any] = {}
    for part in text.split(",") if text.strip() else ():
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in known or not equals:
            has = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            raise WorkloadError(f"{kind.spec_name}: {part.strip()!r} is unknown; {has}")
        if name in values:
            raise WorkloadError(f"{kind.spec_name}: {name} is given twice")
        values[name] = _number(kind, known[name], value)
    missing = [n for n, field in known.items() if n not in values and field.default is MISSING]
    if missing:
        raise WorkloadError(f"{kind.spec_name} needs {' and '.join(missing)}: {_usage(kind)}")
    return values


def _number(kind: type[Spec], field: Field[Any], text: str) -> int | float:
    try:
        return int(text) if field.type is int else float(text)
    except ValueError:
        wanted = "a whole number" if field.type is int else "a number"
        raise WorkloadError(
            f"{kind.spec_name}: {field.name} must be {wanted}, not {text!r}"
        ) from None


def _usage(kind: type[Spec]) -> str:
    """The name with its parameters; in brackets if they may be left out."""
    names = ",".join(f"{field.name}=..." for field in fields(kind))
    needed = any(field.default is MISSING for field in fields(kind))
    return kind.spec_name + (f":{names}" if needed else f"[:{names}]" if names else "")
