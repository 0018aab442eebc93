"""AIPerf's raw export as a run of ours: which tokens came when."""

from typing import Any

import pytest

from andes_backend.lab.others.aiperf import is_aiperf_record, read_aiperf_records
from andes_backend.lab.others.found import Found, UnreadableError
from andes_backend.lab.report.outcome import Outcome
from andes_client import reading
from tests.lab.others.files import chat_chunk, chunk, record

USAGE = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
FOUR = ((0.5, chunk("a b", [1, 2])), (2.0, chunk("c d", [3, 4], finish_reason="length")))


def read(*records: dict[str, Any]) -> Found:
    return read_aiperf_records(enumerate(records, 1), "run", reading())


def only(one: dict[str, Any]) -> Outcome:
    (outcome,) = read(one).run.outcomes
    return outcome


def test_ids_say_how_many_tokens_came_with_each_event() -> None:
    one = only(record(*FOUR, (2.1, USAGE), (2.1, "[DONE]")))
    assert one.times == pytest.approx((0.5, 0.5, 2.0, 2.0))
    assert (one.error, one.request.prompt_tokens, one.request.output_tokens) == (None, 9, 4)


def test_counts_in_each_event_say_so_too() -> None:
    counted = [{**chunk("x"), "usage": {"completion_tokens": n}} for n in (1, 4)]
    found = read(record((0.5, counted[0]), (2.0, counted[1]), (2.1, USAGE), (2.1, "[DONE]")))
    (one,) = found.run.outcomes
    assert one.times == pytest.approx((0.5, 2.0, 2.0, 2.0))
    assert not found.remarks


def test_a_count_with_the_last_text_only_is_no_progress() -> None:
    last = {**chunk("d", finish_reason="stop"), "usage": {"completion_tokens": 3}}
    one = only(record((0.5, chunk("a")), (1.0, chunk("b")), (2.0, last)))
    assert one.times == pytest.approx((0.5, 1.0, 2.0))


def test_otherwise_the_final_count_is_shared_out_and_it_is_said() -> None:
    found = read(record((0.5, chunk("a b")), (2.0, chunk("c d")), (2.1, USAGE), (2.1, "[DONE]")))
    assert found.run.outcomes[0].times == pytest.approx((0.5, 2.0, 2.0, 2.0))
    (remark,) = found.remarks
    assert "1 of 1 answers came in fewer events than tokens" in remark
    assert "return_token_ids:true" in remark


def test_without_any_count_an_event_is_a_token_and_it_is_said() -> None:
    found = read(record((0.5, chunk("a b")), (2.0, chunk("c", finish_reason="stop"))))
    assert found.run.outcomes[0].times == pytest.approx((0.5, 2.0))
    uncounted, unknown = found.remarks
    assert "each event counts as one" in uncounted
    assert "of unknown length" in unknown


def test_the_role_of_a_chat_is_no_text_and_reasoning_is() -> None:
    events = (
        (0.5, chat_chunk({"role": "assistant", "content": ""})),
        (0.6, chat_chunk({"reasoning": "Hm"})),
        (0.7, chat_chunk({"content": "Yes"})),
        (0.8, chat_chunk({"content": ""}, finish_reason="stop")),
    )
    assert only(record(*events)).times == pytest.approx((0.6, 0.7))


def test_responses_and_messages_are_read_as_well() -> None:
    responses = (
        (0.1, {"type": "response.created", "response": {"usage": None}}),
        (0.5, {"type": "response.output_text.delta", "delta": "a"}),
        (2.0, {"type": "response.output_text.delta", "delta": "b"}),
        (
            2.1,
            {
                "type": "response.completed",
                "response": {"usage": {"input_tokens": 9, "output_tokens": 2}},
            },
        ),
    )
    messages = (
        (0.1, {"type": "message_start", "message": {"usage": {"input_tokens": 9}}}),
        (0.5, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}),
        (2.0, {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "b"}}),
        (2.1, {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 2}}),
        (2.2, {"type": "message_stop"}),
    )
    for events in (responses, messages):
        one = only(record(*events))
        assert one.times == pytest.approx((0.5, 2.0))
        assert (one.error, one.request.prompt_tokens) == (None, 9)


def test_requests_are_in_the_order_of_their_start_without_the_warm_up() -> None:
    found = read(
        record(*FOUR, sent=3.0), record(*FOUR, sent=1.0), record(*FOUR, phase="warmup", sent=0.0)
    )
    assert [one.submitted_s for one in found.run.outcomes] == pytest.approx([0.0, 2.0])


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (record(status=500, error={"code": 500, "message": "no room"}), "no room"),
        (record(), "it got no answer"),
        (record((0.5, chunk("a", [1]))), "the stream broke off after 1 tokens"),
        (record((0.5, {"error": {"message": "died"}})), "the server reports: died"),
        (
            record((0.5, {"type": "response.failed", "response": {"error": {"message": "died"}}})),
            "the server reports: died",
        ),
        (record(*FOUR, asked={"ignore_eos": True, "max_tokens": 9}), "received 4 tokens instead"),
        (record(*FOUR[1:], (2.1, USAGE)), "received 2 tokens; the server counted 4"),
    ],
)
def test_a_request_that_failed_has_a_qoe_of_0_and_says_why(one: dict[str, Any], why: str) -> None:
    outcome = only(one)
    assert outcome.error is not None
    assert why in outcome.error
    assert outcome.qoe == 0


def test_a_cancelled_request_has_failed() -> None:
    one = record(*FOUR)
    one["metadata"]["was_cancelled"] = True
    assert only(one).error == "it was cancelled"


def test_the_length_of_a_prompt_of_token_ids_is_known() -> None:
    assert only(record(*FOUR, asked={"prompt": [5, 6, 7]})).request.prompt_tokens == 3
    assert only(record(*FOUR, asked={"prompt": []})).request.prompt_tokens == 1


NOT_STREAMED = {**record(), "responses": [{"perf_ns": 1, "text": "{}"}]}
SEVERAL = record((0.5, {"choices": [{"index": 1, "text": "b"}]}))
BEFORE = record((-1.0, chunk("a")))


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (NOT_STREAMED, "line 1: its answer was not streamed: run AIPerf with --streaming"),
        (SEVERAL, "line 1: it has several answers"),
        (BEFORE, "line 1: the time of an event"),
        (record((0.5, "{not json")), "line 1 is no record"),
        (record((0.5, "[]")), "line 1 is no record"),
        (record((0.5, {"choices": 7})), "line 1 is no record"),
        ({**record(), "responses": 7}, "line 1 is no record"),
        ({**record(), "start_perf_ns": "x"}, "line 1: start_perf_ns must be a whole number"),
        (record((0.5, {"usage": {"output_tokens": 10**12}})), "line 1: output_tokens must be"),
    ],
)
def test_what_is_wrong_is_named(one: dict[str, Any], said: str) -> None:
    assert is_aiperf_record(one)
    with pytest.raises(UnreadableError, match=said):
        read(one)
