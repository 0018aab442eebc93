"""A server that cannot be simulated is refused, with what to do about it."""

from dataclasses import replace
from typing import Any

import pytest

from andes_backend.lab.twin.setup import POLICIES, Setup, SetupError
from andes_backend.profile import load_profile

PROFILE = load_profile("llama-3-8b-a40")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policy": "best"}, r"unknown policy 'best'; choose from stock, priority, .*qoe"),
        ({"settings": {"horizon_s": 2.0}}, r"stock is vLLM's own and has no setting horizon_s"),
        ({"policy": "qoe", "settings": {"horizon": 2.0}}, r"unknown setting andes\.horizon"),
        ({"policy": "qoe", "settings": {"horizon_s": -1}}, r"andes\.horizon_s must be"),
        ({"policy": "qoe", "settings": {"policy": "fcfs"}}, r"the policy is not a setting"),
        ({"kv_restore_gb_s": 0.0}, r"kv_restore_gb_s must be above 0, not 0\.0"),
        ({"max_num_active_seqs": 0}, r"max_num_active_seqs must be 1 to \d+, .*, not 0"),
        ({"max_num_active_seqs": 9999}, r"must be 1 to \d+, the profile's max_sequences"),
        ({"watermark": 1.0}, r"watermark must be 0 to below 1, not 1\.0"),
        ({"long_prefill_token_threshold": -1}, r"must be 0 or more tokens, not -1"),
    ],
)
def test_what_makes_no_sense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        Setup(profile=PROFILE, **settings)


def test_a_kv_restore_needs_the_size_of_what_is_restored() -> None:
    unsized = replace(PROFILE, kv_bytes_per_token=None)
    with pytest.raises(SetupError, match=r"A40 does not say kv_bytes_per_token.*add it"):
        Setup(profile=unsized, kv_restore_gb_s=20.0)


def test_a_bandwidth_is_so_many_tokens_a_second() -> None:
    setup = Setup(profile=PROFILE, kv_restore_gb_s=13.1072)
    assert setup.kv_restore_tokens_per_s == pytest.approx(100_000)  # 131,072 bytes each


@pytest.mark.parametrize("policy", POLICIES)
def test_settings_go_where_the_server_has_them(policy: str) -> None:
    setup = Setup(profile=PROFILE, policy=policy)
    assert setup.is_ours == (policy not in ("stock", "priority"))
    assert setup.andes_settings == {"policy": policy}
