"""What the doctor says of short requests behind long prompts."""

import pytest

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import BETTER, OK
from andes_backend.doctor.prompts import check_prompts
from tests.doctor.pages import lines

NAME = "vllm:request_prompt_tokens"


def page(short: int, middle: int, long: int) -> Exposition:
    """Requests with prompts of at most 200 tokens, of at most 1,000, and of more."""
    values = {
        f'{NAME}_bucket{{engine="0",le="200.0"}}': short,
        f'{NAME}_bucket{{engine="0",le="1000.0"}}': short + middle,
        f'{NAME}_bucket{{engine="0",le="+Inf"}}': short + middle + long,
        f'{NAME}_count{{engine="0"}}': short + middle + long,
        f'{NAME}_sum{{engine="0"}}': 100 * short + 500 * middle + 4000 * long,
    }
    return Exposition(lines(values))


def test_short_requests_beside_long_prompts_are_named_with_the_flag() -> None:
    (found,) = check_prompts(page(80, 0, 20))
    assert found.level == BETTER
    assert "880 tokens on average, 20% of more than 1,000, 80% of at most 200" in found.what
    assert found.flags == "--long-prefill-token-threshold 256"


@pytest.mark.parametrize("lengths", [(100, 0, 0), (0, 50, 50), (100, 900, 5), (5, 900, 95)])
def test_prompts_of_one_kind_are_no_matter(lengths: tuple[int, int, int]) -> None:
    (found,) = check_prompts(page(*lengths))
    assert found.level == OK


def test_nothing_is_said_before_the_first_request() -> None:
    assert not list(check_prompts(page(0, 0, 0)))
    assert not list(check_prompts(Exposition("")))
