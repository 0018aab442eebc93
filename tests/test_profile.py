"""Latency profiles: the formula, the files that come with the package, and bad ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from andes_backend.profile import Decode, Prefill, Profile, ProfileError, built_in, load_profile

GOOD: dict[str, Any] = {
    "name": "n",
    "source": "s",
    "kv_tokens": 1000,
    "prefill": {"base_ms": 10, "per_token_ms": 0.5},
    "decode": [{"base_ms": 8, "per_sequence_ms": 2, "per_context_token_ms": 0.01}],
}


def read(value: Any) -> Profile:
    return Profile.from_json(json.dumps(value), "mine.json")


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one entry replaced: `decode.0.base_ms`."""
    copy: Any = json.loads(json.dumps(GOOD))
    *parents, last = path.split(".")
    place = copy
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    return dict(copy)


@pytest.mark.parametrize("name", built_in())
def test_the_built_in_profiles_are_sound(name: str) -> None:
    profile = load_profile(name)
    assert profile.source
    assert profile.kv_bytes_per_token
    assert Profile.from_json(profile.to_json(), name) == profile
    assert 0.005 < profile.step_s([], 1, 100) < profile.step_s([], 60, 30_000) < 1.0


def test_distserve_is_its_published_formula() -> None:
    """OPT-66B on 4 A100, in ms: 42.97 + 0.21287 n + 4.601e-5 n^2, and two decode formulas."""
    profile = load_profile("opt-66b-4xa100-distserve")
    assert profile.step_s([1000], 0, 0) == pytest.approx(0.04297 + 0.21287 + 0.04601)
    assert profile.step_s([], 94, 40_000) == pytest.approx(
        (39.58 + 6.946e-4 * 40_000 + 0.13581 * 94) / 1e3
    )
    assert profile.step_s([], 95, 40_000) == pytest.approx(
        (40.86 + 4.265e-4 * 40_000 + 0.19508 * 95) / 1e3
    )


def test_a_step_that_does_both_pays_the_larger_base_once() -> None:
    profile = read(GOOD)
    assert profile.step_s([100], 4, 500) == pytest.approx((10 + 50 + 8 + 5) / 1e3)


def test_the_chunks_of_a_prompt_add_up_to_the_whole() -> None:
    profile = replace(read(GOOD), prefill=Prefill(base_ms=0, per_token_ms=1, per_square_token_ms=2))
    chunks = profile.step_s([(300, 0)], 0, 0) + profile.step_s([(200, 300)], 0, 0)
    assert chunks == pytest.approx(profile.step_s([500], 0, 0))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("kv_tokens", 0, r"mine\.json: kv_tokens is 0; it must be a whole number, 1 or more"),
        ("kv_tokens", 10.5, r"kv_tokens is 10\.5"),
        ("kv_tokens", True, r"kv_tokens is True"),
        ("kv_bytes_per_token", -1, r"kv_bytes_per_token is -1"),
        ("prefill.base_ms", -1, r"prefill\.base_ms is -1; it must be a number of milliseconds"),
        ("prefill.per_token_ms", "1", r"prefill\.per_token_ms is '1'"),
        ("decode.0.per_sequence_ms", -0.1, r"decode\[0\]\.per_sequence_ms is -0\.1"),
        ("decode.0.slope", 1, r"unknown entry decode\[0\]\.slope"),
        ("decode.0.below_sequences", 9, r"decode\[0\]\.below_sequences is 9; .* in the last"),
        ("name", 3, r"name is 3; it must be a text"),
        ("kv_tokens", 31, r"kv_tokens is 31; it must be 32 or more: vLLM keeps one block of 16"),
        (
            "decode",
            [{**GOOD["decode"][0], "below_sequences": "95"}, GOOD["decode"][0]],
            r"decode\[0\]\.below_sequences is '95'; it must be a whole number that rises",
        ),
        ("decode", [], r"decode is \[\]"),
        ("decode", 3, r"decode must be a list"),
        ("prefill", None, r"prefill must be an object, not None"),
        ("speed", 3, r"unknown entry speed; the entries are: name, source"),
    ],
)
def test_bad_values_are_named(path: str, value: Any, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        read(changed(path, value))


def test_costs_of_nothing_at_all_are_refused() -> None:
    free = Decode(base_ms=0, per_sequence_ms=0, per_context_token_ms=0)
    with pytest.raises(ProfileError, match="time would stand still"):
        replace(read(GOOD), decode=(free,))


def test_missing_entries_and_broken_files_are_named(tmp_path: Path) -> None:
    without = {key: value for key, value in GOOD.items() if key != "prefill"}
    with pytest.raises(ProfileError, match=r"mine\.json: prefill is missing"):
        read(without)
    path = tmp_path / "broken.json"
    path.write_text('{\n "name": ,\n}')
    with pytest.raises(ProfileError, match=r"broken\.json, line 2: not valid JSON"):
        load_profile(path)
    path.write_bytes(b"\xf3\x00\xff")
    with pytest.raises(ProfileError, match=r"broken\.json is not a JSON file: it is not even text"):
        load_profile(path)
    with pytest.raises(ProfileError, match=r"unknown profile 'opt'.*opt-66b-4xa100"):
        load_profile("opt")
    with pytest.raises(OSError, match="nowhere"):
        load_profile(tmp_path / "nowhere.json")
