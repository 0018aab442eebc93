"""Profiles that the tests of this folder share."""

from andes_backend.profile import Decode, Prefill, Profile

TINY = Profile(
    name="tiny",
    source="a test",
    kv_tokens=5120,
    block_size=32,
    max_sequences=64,
    prefill=Prefill(base_ms=6.0, per_token_ms=0.56),
    decode=(Decode(base_ms=8.0, per_sequence_ms=0.45, per_context_token_ms=0.0033),),
    outside_ms=4.0,
)
"""Much as the tiny model on two CPU cores."""
