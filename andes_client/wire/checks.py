"""How a value that somebody sent is checked, and shown in a message."""

from collections.abc import Mapping

__all__ = ["WireError", "check_number", "number", "shown"]


class WireError(ValueError):
    """What came cannot be understood; the message says what of it, and what it should be."""


def number(
    values: Mapping[str, object], key: str, least: float, most: float, what: str
) -> float | None:
    """The value under `key`, which must be within these limits; None if there is none.

    Args:
        values: where it stands.
        key: under which name.
        least: the lowest that is accepted.
        most: the highest that is accepted.
        what: what it should be, for the message.

    Raises:
        WireError: it is no number, or out of range.
    """
    value = values.get(key)
    if value is None:
        return None
    check_number(key, value, least, most, what)
    return float(value)  # type: ignore[arg-type]


def check_number(key: str, value: object, least: float, most: float, what: str) -> None:
    """Refuse what is no number, or out of range.

    Args:
        key: the value's name, for the message.
        value: what came.
        least: the lowest that is accepted.
        most: the highest that is accepted.
        what: what it should be, for the message.

    Raises:
        WireError: it is refused.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WireError(f"{key} must be a number ({what}), not {shown(value)}")
    if not least <= value <= most:
        raise WireError(f"{key} must be {what} ({least:g} to {most:g}), not {shown(value)}")


def shown(value: object) -> str:
    """A value that somebody sent, for a message: short, and nothing that cannot be written.

    Python refuses to write integers of thousands of digits, as it would take for ever.
    """
    if isinstance(value, int) and value.bit_length() > 128:
        return f"an integer of {value.bit_length()} bits"
    try:
        text = repr(value)
    except ValueError:
        return f"a {type(value).__name__} with such an integer in it"
    return text if len(text) <= 60 else text[:57] + "..."
