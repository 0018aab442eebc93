"""How long an engine step takes on some GPU: a latency profile, read from a small data file.

    profile = load_profile("opt-66b-4xa100")       # one of `built_in()`
    profile = load_profile("results/mine.json")    # one that `andes calibrate` has written
    profile.step_s([512], sequences=40, context_tokens=18_000)

A step computes the prompts (or chunks of them) of some requests and one token of others.
It takes

    base + per_token x prompt tokens + per_square_token x their attention
         + per_sequence x decoding sequences + per_context_token x their context

where the base is counted once, the larger one if a step does both. Costs in a file are in
milliseconds, as papers print them; in Python all times are seconds.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

__all__ = ["Decode", "Prefill", "Profile", "ProfileError", "built_in", "load_profile"]

_SUFFIX: Final = ".json"


class ProfileError(ValueError):
    """An invalid profile; the message says which file, which value, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefill:
    """What it takes to compute prompts."""

    base_ms: float
    per_token_ms: float
    per_square_token_ms: float = 0.0
    """Attention: a whole prompt of n tokens costs this times n squared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """What it takes to compute one token for each of a batch of sequences."""

    base_ms: float
    per_sequence_ms: float
    per_context_token_ms: float
    below_sequences: int | None = None
    """Holds for batches of fewer sequences than this; None: for all the larger ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A model on some GPUs, as seen by a scheduler.

    Raises:
        ProfileError: a value is out of range.
    """

    name: str
    source: str
    """Where the figures come from."""
    kv_tokens: int
    """Tokens that fit the KV cache."""
    prefill: Prefill
    decode: tuple[Decode, ...]
    """By batch size, rising; only the last one holds without end."""
    block_size: int = 16
    """Tokens in a KV block."""
    max_sequences: int = 256
    """Most sequences in a step (vLLM's max_num_seqs)."""
    max_step_tokens: int = 2048
    """Most tokens in a step (vLLM's max_num_batched_tokens): longer prompts take several."""
    outside_ms: float = 0.0
    """What every token spends outside the engine: HTTP, tokenizer, network."""
    kv_bytes_per_token: int | None = None
    """Size of a token's keys and values on all GPUs together; None: not known."""
    gpus: int | None = None
    """GPUs that the model takes, all of them together; None: not known."""

    def __post_init__(self) -> None:
        for name in ("name", "source"):
            if not isinstance(getattr(self, name), str):
                self._refuse(name, getattr(self, name), "a text")
        for name in ("kv_tokens", "block_size", "max_sequences", "max_step_tokens"):
            self._check_whole(name)
        size = self.block_size
        if self.kv_tokens < 2 * size:
            wanted = f"{2 * size} or more: vLLM keeps one block of {size} for itself"
            self._refuse("kv_tokens", self.kv_tokens, wanted)
        for name in ("kv_bytes_per_token", "gpus"):
            if getattr(self, name) is not None:
                self._check_whole(name)
        self._check_cost("outside_ms", self.outside_ms)
        for cost in fields(Prefill):
            self._check_cost(f"prefill.{cost.name}", getattr(self.prefill, cost.name))
        if not self.decode:
            self._refuse("decode", [], "a list of one or more batch sizes")
        before = 0
        for i, part in enumerate(self.decode):
            for key in ("base_ms", "per_sequence_ms", "per_context_token_ms"):
                self._check_cost(f"decode[{i}].{key}", getattr(part, key))
            limit, is_last = part.below_sequences, i == len(self.decode) - 1
            rises = isinstance(limit, int) and limit > before
            if is_last != (limit is None) or (limit is not None and not rises):
                self._refuse(
                    f"decode[{i}].below_sequences",
                    limit,
                    "a whole number that rises, missing in the last only",
                )
            before = limit or before
        if not self.step_s([1], 0, 0) > 0 or not self.step_s([], 1, 1) > 0:
            self._refuse("the cost of a step", 0, "above 0, or time would stand still")

    def step_s(
        self, prompts: Sequence[int | tuple[int, int]], sequences: int, context_tokens: int
    ) -> float:
        """Seconds that a step takes.

        Args:
            prompts: of each prompt in the step the tokens computed in it; or, of a later
                chunk, (tokens, tokens of the same prompt computed before).
            sequences: requests that get one more token each.
            context_tokens: tokens that these sequences have in the KV cache, in all.
        """
        ms = base = 0.0
        if prompts:
            prefill = self.prefill
            base = prefill.base_ms
            for prompt in prompts:
                tokens, before = (prompt, 0) if isinstance(prompt, int) else prompt
                ms += prefill.per_token_ms * tokens
                # The chunks of a prompt add up to the cost of the whole.
                ms += prefill.per_square_token_ms * tokens * (tokens + 2 * before)
        if sequences:
            decode = self._decode(sequences)
            base = max(base, decode.base_ms)
            ms += decode.per_sequence_ms * sequences + decode.per_context_token_ms * context_tokens
        return (base + ms) / 1e3

    @property
    def request_tokens(self) -> int:
        """Most tokens of one request: vLLM keeps one KV block for itself."""
        return self.kv_tokens - self.block_size

    @property
    def outside_s(self) -> float:
        """`outside_ms` in seconds."""
        return self.outside_ms / 1e3

    def to_json(self) -> str:
        """The text of a profile file."""
        value = asdict(self)
        value["decode"] = [
            {key: cost for key, cost in part.items() if cost is not None}
            for part in value["decode"]
        ]
        return json.dumps(value, indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str) -> "Profile":
        """Read the text of a profile file.

        Args:
            text: JSON.
            where: what to call it in errors: the file's path.

        Raises:
            ProfileError: not JSON, or not a profile.
        """
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise ProfileError(
                f"{where}, line {error.lineno}: not valid JSON ({error.msg})"
            ) from None
        try:
            value = _fields(cls, value, "")
            parts = value["decode"]
            if not isinstance(parts, list):
                raise ProfileError("decode must be a list")
            decode = (Decode(**_fields(Decode, p, f"decode[{i}].")) for i, p in enumerate(parts))
            prefill = Prefill(**_fields(Prefill, value["prefill"], "prefill."))
            return cls(**{**value, "prefill": prefill, "decode": tuple(decode)})
        except ProfileError as error:
            raise ProfileError(f"{where}: {error}") from None

    def _decode(self, sequences: int) -> Decode:
        for part in self.decode:
            if part.below_sequences is None or sequences < part.below_sequences:
                return part
        raise AssertionError("the last part holds for all sizes")

    def _check_whole(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self._refuse(name, value, "a whole number, 1 or more")

    def _check_cost(self, name: str, value: object) -> None:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= float(value) < math.inf:  # type: ignore[arg-type]
            self._refuse(name, value, "a number of milliseconds, 0 or more")

    def _refuse(self, name: str, value: object, wanted: str) -> None:
        raise ProfileError(f"{name} is {value!r}; it must be {wanted}")


def built_in() -> tuple[str, ...]:
    """The names of the profiles that come with the package."""
    folder = files("andes_backend.profiles")
    return tuple(
        sorted(f.name.removesuffix(_SUFFIX) for f in folder.iterdir() if f.name.endswith(_SUFFIX))
    )


def load_profile(name: str | Path) -> Profile:
    """Read a profile.

    Args:
        name: one of `built_in()`, or the path of a file that ends in .json.

    Raises:
        OSError: the file cannot be read.
        ProfileError: there is no such profile, or it is invalid.
    """
    if str(name).endswith(_SUFFIX):
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise ProfileError(f"{path} is not a JSON file: it is not even text") from None
        return Profile.from_json(text, str(path))
    if name not in built_in():
        raise ProfileError(
            f"unknown profile {str(name)!r}: give the path of a .json file, or one of "
            + ", ".join(built_in())
        )
    file = files("andes_backend.profiles") / f"{name}{_SUFFIX}"
    return Profile.from_json(file.read_text(), file.name)


def _fields(kind: type, value: Any, where: str) -> dict[str, Any]:
    """Check that a mapping has the fields of a dataclass: none unknown, none missing."""
    if not isinstance(value, Mapping):
        raise ProfileError(f"{where.rstrip('.') or 'a profile'} must be an object, not {value!r}")
    known = {field.name: field for field in fields(kind)}
    for name in value:
        if name not in known:
            raise ProfileError(f"unknown entry {where}{name}; the entries are: {', '.join(known)}")
    for name, field in known.items():
        if name not in value and field.default is field.default_factory:  # both MISSING
            raise ProfileError(f"{where}{name} is missing")
    return dict(value)
