"""What `vllm bench serve --save-detailed` has written, as a run of ours."""

import math
from typing import Any

import pytest

from andes_backend.lab.others.found import Found, UnreadableError
from andes_backend.lab.others.vllm_bench import is_vllm_result, read_vllm_result
from andes_client import Expectation, reading
from andes_client.qoe import qoe
from tests.lab.others.files import vllm_result


def read(**changed: Any) -> Found:
    return read_vllm_result(vllm_result(**changed), "run", reading())


def test_times_are_from_the_sending_of_each_request() -> None:
    first, second = read().run.outcomes
    assert first.times == pytest.approx((0.5, 0.6, 0.8))
    assert (first.submitted_s, second.submitted_s) == (0.0, 1.0)
    assert (first.request.prompt_tokens, first.request.output_tokens) == (7, 3)
    assert first.qoe == qoe([0.5, 0.6, 0.8], reading()) == 1.0
    assert second.qoe == pytest.approx(qoe([2.0, 3.0, 3.0, 3.0], reading()))


def test_tokens_of_an_answer_in_fewer_chunks_are_shared_out_and_it_is_said() -> None:
    found = read()
    assert found.run.outcomes[1].times == (2.0, 3.0, 3.0, 3.0)
    (remark,) = found.remarks
    assert remark.startswith("1 of 2 answers came in fewer chunks than tokens: chunks that came at")


def test_the_first_chunk_of_a_chat_has_no_text() -> None:
    chat = {"backend": "openai-chat", "itls": [[0.001, 0.1, 0.2], [0.001, 1.0]]}
    first, second = read(**chat).run.outcomes
    assert first.times == pytest.approx((0.501, 0.601, 0.801))
    assert second.times == pytest.approx((2.001, 3.001, 3.001, 3.001))


def test_chunks_at_the_end_without_a_token_do_not_count() -> None:
    first, _ = read(itls=[[0.1, 0.2, 0.4], [1.0]]).run.outcomes
    assert first.times == pytest.approx((0.5, 0.6, 0.8))


def test_the_reader_is_who_one_says() -> None:
    fast = Expectation(0.1, 100.0)
    first, _ = read_vllm_result(vllm_result(), "run", fast).run.outcomes
    assert first.qoe == qoe([0.5, 0.6, 0.8], fast) < 1


def test_a_request_that_failed_has_a_qoe_of_0_and_says_why() -> None:
    error = "Traceback (most recent call last):\n  File\naiohttp.ClientPayloadError: cut short\n"
    found = read(errors=[error, ""], output_lens=[0, 4])
    first = found.run.outcomes[0]
    assert first.error == "aiohttp.ClientPayloadError: cut short"
    assert len(first.times) == 3
    assert first.qoe == 0


def test_a_refusal_without_a_message_is_a_failure_as_well() -> None:
    found = read(ttfts=[0.0, 2.0], itls=[[], [1.0]], output_lens=[0, 4])
    first = found.run.outcomes[0]
    assert (first.error, first.times, first.qoe) == ("it got no answer", (), 0)


def test_waits_in_the_clients_own_queue_are_mentioned() -> None:
    assert not any("held requests back" in one for one in read(queue_times=[0.0, 0.1]).remarks)
    (*_, remark) = read(queue_times=[0.0, 3.25], max_concurrency=1).remarks
    assert remark.startswith("--max-concurrency held requests back for up to 3.2 s")
    (*_, remark) = read(queue_times=[0.0, 0.31]).remarks
    assert remark.startswith("a busy client held requests back for up to 0.3 s")


def test_without_details_it_says_which_option_is_missing() -> None:
    short = {name: value for name, value in vllm_result().items() if name != "itls"}
    assert is_vllm_result(short)
    with pytest.raises(UnreadableError, match=r"no itls.*--save-detailed"):
        read_vllm_result(short, "run", reading())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ttfts": [0.5]}, "lists of the same length"),
        ({"itls": None}, "lists of the same length"),
        ({"ttfts": [0.5, -1.0]}, "request 1: ttfts must be 0 or more seconds, not -1.0"),
        ({"ttfts": [0.5, math.nan]}, "request 1: ttfts"),
        ({"itls": [[0.1, "x"], []]}, "request 0: itls must be 0 or more seconds, not 'x'"),
        ({"itls": [0.1, []]}, "request 0: itls must be a list of lists"),
        ({"output_lens": [3, 4.5]}, "request 1: output_lens must be a whole number"),
        ({"output_lens": [3, 10**12]}, "request 1: output_lens must be a number of tokens"),
        ({"input_lens": [None, 4]}, "request 0: input_lens"),
        ({"start_times": [True, 1.0]}, "start_times must be 0 or more seconds, not True"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        read(**changed)


def test_a_run_without_requests_has_no_outcomes() -> None:
    nothing: dict[str, Any] = {
        name: [] for name in ("start_times", "ttfts", "itls", "input_lens", "output_lens", "errors")
    }
    assert list(read(**nothing).run.outcomes) == []
