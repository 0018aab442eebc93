"""What the doctor says of short requests behind long prompts."""

import pytest

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import BETTER, OK
from andes_backend.doctor.prompts import check_prompts
from tests.doctor.pages import lines

PROMPT, COMPUTED = "vllm:request_prompt_tokens", "vllm:request_prefill_time_seconds"


def page(
    short: int, middle: int, long: int, slow: int = 10, per_token_s: float = 0.0005
) -> Exposition:
    """Requests with prompts of at most 200 tokens, of at most 1,000, and of more."""
    count, tokens = short + middle + long, 100 * short + 500 * middle + 4000 * long
    values = {
        f'{PROMPT}_bucket{{engine="0",le="200.0"}}': short,
        f'{PROMPT}_bucket{{engine="0",le="1000.0"}}': short + middle,
        f'{PROMPT}_bucket{{engine="0",le="+Inf"}}': count,
        f'{PROMPT}_count{{engine="0"}}': count,
        f'{PROMPT}_sum{{engine="0"}}': tokens,
        f'{COMPUTED}_bucket{{engine="0",le="0.5"}}': count - slow,
        f'{COMPUTED}_count{{engine="0"}}': count,
        f'{COMPUTED}_sum{{engine="0"}}': per_token_s * tokens,
    }
    return Exposition(lines(values))


def test_short_requests_beside_long_prompts_are_named_with_the_flag() -> None:
    (found,) = check_prompts(page(80, 0, 20))
    assert found.level == BETTER
    assert "880 tokens on average, 20% of more than 1,000, 80% of at most 200" in found.what
    assert "10% of the requests more than 0.5 s" in found.what
    assert found.flags == "--long-prefill-token-threshold 256"


@pytest.mark.parametrize(
    ("per_token_s", "tokens"), [(0.0, 256), (0.0005, 256), (0.001, 128), (0.002, 64), (1.0, 64)]
)
def test_a_slower_server_is_told_to_compute_less_at_a_time(per_token_s: float, tokens: int) -> None:
    (found,) = check_prompts(page(80, 0, 20, per_token_s=per_token_s))
    assert found.flags == f"--long-prefill-token-threshold {tokens}"


@pytest.mark.parametrize("lengths", [(100, 0, 0), (0, 50, 50), (100, 900, 5), (5, 900, 95)])
def test_prompts_of_one_kind_are_no_matter(lengths: tuple[int, int, int]) -> None:
    (found,) = check_prompts(page(*lengths))
    assert found.level == OK


def test_nor_are_prompts_that_a_fast_machine_computes_at_once() -> None:
    (found,) = check_prompts(page(80, 0, 20, slow=0))
    assert found.level == OK


def test_of_a_server_with_other_buckets_the_mean_is_told() -> None:
    values = {f'{PROMPT}_bucket{{le="300.0"}}': 4, f"{PROMPT}_count{{}}": 4, f"{PROMPT}_sum{{}}": 8}
    (found,) = check_prompts(Exposition(lines(values)))
    assert (found.level, found.what) == (OK, "2 tokens on average")


def test_nothing_is_said_before_the_first_request() -> None:
    assert not list(check_prompts(page(0, 0, 0)))
    assert not list(check_prompts(Exposition("")))
