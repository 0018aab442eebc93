"""What servers send as an answer, in all its forms; no HTTP."""

import json
from typing import Any

import pytest
from andes_demos.chat.key import Key, Redactor
from andes_demos.chat.reply import Reply, ReportedError
from andes_demos.chat.words import moved_to, until_then, words_of_body

SECRET = "sk-very-secret-0123456789"


def delta(finish_reason: Any = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def read(*events: Any, key: Key | None = None, done: bool = True) -> tuple[str, str, str]:
    """The reasoning, the answer, and what is said of its end."""
    reply = Reply(key)
    texts = {"reasoning": "", "answer": ""}
    for event in events:
        was_unopened = reply.unopened
        pieces = reply.take(event)
        if reply.unopened and not was_unopened:
            texts = {"reasoning": texts["reasoning"] + texts["answer"], "answer": ""}
        for kind, text in pieces:
            texts[kind] += text
    reply.is_done = done
    for kind, text in reply.flush():
        texts[kind] += text
    return texts["reasoning"], texts["answer"], reply.trouble()


THOUGHTS = [
    {"reasoning_content": "why"},
    {"reasoning": "why"},
    {"thinking": "why"},
    {"reasoning": "why", "reasoning_content": "why"},  # the same in two fields
    {"reasoning_content": "why", "thinking_blocks": [{"type": "thinking", "thinking": "why"}]},
    {"thinking_blocks": [{"type": "thinking", "thinking": "why", "signature": "x"}]},
    {"reasoning_details": [{"type": "reasoning.text", "text": "why"}]},
    {"reasoning_details": [{"type": "reasoning.summary", "summary": "why"}]},
    {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "why"}]}]},
    {"content": [{"type": "reasoning", "text": "why"}]},
    {"content": "<think>why</think>"},
    {"content": "\n<think>\nwhy</think>\n\n"},
    {"content": "why\n</think>\n\n"},  # the template began the block
]


@pytest.mark.parametrize("thought", THOUGHTS, ids=json.dumps)
def test_reasoning_is_told_apart_in_whichever_form_it_comes(thought: dict[str, Any]) -> None:
    reasoning, answer, trouble = read(delta(**thought), delta(content="So."), delta("stop"))
    assert (reasoning.strip(), answer, trouble) == ("why", "So.", "")
    alone = read(delta(**thought), delta("stop"))
    assert alone[1:] == ("", "The model thought, but gave no answer.")


@pytest.mark.parametrize(
    "content",
    [
        "Two words",
        [{"type": "text", "text": "Two words"}],
        [{"type": "text", "text": "Two "}, {"type": "text", "text": "words"}],
        ["Two ", "words"],
        [{"type": "output_text", "text": "Two words"}],
        [{"text": "Two words"}, {"type": "image_url", "image_url": {"url": "data:"}}],
    ],
    ids=json.dumps,
)
def test_content_may_be_a_string_or_a_list_of_parts(content: Any) -> None:
    assert read(delta("stop", content=content)) == ("", "Two words", "")
    message = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    assert read(message) == ("", "Two words", "")


@pytest.mark.parametrize("event", [None, {}, [], "", 0, False, {"choices": []}, {"usage": {}}])
def test_what_only_keeps_the_connection_alive_is_passed_over(event: Any) -> None:
    assert read(delta(content="Yes"), event, delta("stop")) == ("", "Yes", "")


def test_other_choices_than_the_first_are_passed_over() -> None:
    second = {"choices": [{"index": 1, "delta": {"content": "No"}, "finish_reason": "length"}]}
    assert read(delta(content="Yes"), second, delta("stop")) == ("", "Yes", "")
    assert read({"choices": [{"text": "Yes", "finish_reason": "stop"}]}) == ("", "Yes", "")
    assert read({"choices": [{"delta": None}]}, delta("stop", content="Yes")) == ("", "Yes", "")


def test_text_is_put_together_from_pairs_that_were_cut_in_two() -> None:
    assert read(delta(content="a\ud83d"), delta("stop", content="\ude80b"))[1] == "a🚀b"
    assert read(delta(content="a\ud83d"), delta("stop", content="b"))[1] == "a\ufffdb"
    assert read(delta("stop", content="a\ud83d"))[1] == "a\ufffd"
    assert read(delta("stop", content="\ude80"))[1] == "\ufffd"


ENDS = [
    ([delta("stop", content="Yes")], ""),
    ([delta(content="Yes")], ""),  # the server has said that it was all, and gives no reason
    ([delta("eos", content="Yes")], ""),  # a word of the server's own
    ([delta("content_filter", content="Ye")], "The server's filter stopped the answer here."),
    ([delta("SAFETY")], "The server's filter stopped the answer here."),
    (
        [delta("length", content="Ye")],
        "The answer stops here because it reached the server's limit on length.",
    ),
    (
        [delta("MAX_TOKENS", content="Ye")],
        "The answer stops here because it reached the server's limit on length.",
    ),
    (
        [delta(reasoning="why"), delta("length")],
        "The model was still thinking when it reached the server's limit on length.",
    ),
    (
        [delta("length", content="<think>why")],
        "The model was still thinking when it reached the server's limit on length.",
    ),
    (
        [delta("error", content="Ye")],
        "The server ended the answer because of an error, and does not say which.",
    ),
    ([delta("abort", content="Ye")], "The server gave the answer up (abort)."),
    ([delta("stop")], "The answer is empty."),
    ([delta("stop", content=" \n")], "The answer is empty."),
    ([delta("stop", content="<think>\n\n</think>")], "The answer is empty."),
    ([delta("stop", refusal="I cannot.")], "The model refused to answer."),
    (
        [delta("stop", content=[{"type": "refusal", "refusal": "I cannot."}])],
        "The model refused to answer.",
    ),
    (
        [
            delta(tool_calls=[{"index": 0, "function": {"name": "get_weather", "arguments": ""}}]),
            delta(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}]),
            delta("tool_calls"),
        ],
        "The model asks for a tool (get_weather); the chat has none.",
    ),
    (
        [delta("function_call", function_call={"name": "f", "arguments": "{}"})],
        "The model asks for a tool (f); the chat has none.",
    ),
    ([delta("tool_calls", content="Wait.")], "The model asks for a tool; the chat has none."),
]


@pytest.mark.parametrize(("events", "trouble"), ENDS, ids=str)
def test_the_end_of_an_answer_is_told(events: list[Any], trouble: str) -> None:
    assert read(*events)[2] == trouble


def test_words_of_a_refusal_are_shown() -> None:
    assert read(delta(refusal="I can"), delta("stop", refusal="not."))[1] == "I cannot."
    assert read(delta("stop", content=[{"type": "refusal", "refusal": "No."}]))[1] == "No."


def test_what_just_stops_is_no_whole_answer() -> None:
    broke_off = "The server broke off in the middle of the answer."
    assert read(delta(content="Ye"), done=False)[2] == broke_off
    assert read(done=False)[2] == broke_off
    assert read(delta("stop", content="Yes"), done=False)[2] == ""


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "overloaded", "code": 503}},
        {"error": "overloaded"},
        {"error": {"error": {"message": "overloaded"}}},
        {"type": "error", "message": "overloaded"},
        {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}},
        {"object": "error", "message": "overloaded", "code": 400},
        {"detail": "overloaded"},
        {"detail": [{"msg": "overloaded", "loc": ["body"]}]},
        {"message": "overloaded"},
        {"choices": [{"error": {"code": 502, "message": "overloaded"}, "finish_reason": "error"}]},
    ],
    ids=json.dumps,
)
def test_an_error_is_reported_in_the_servers_words(error: Any) -> None:
    with pytest.raises(ReportedError, match=r"^overloaded$"):
        Reply().take(error)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_key_is_taken_out_of_whatever_part_it_stands_in(size: int) -> None:
    key = Key(SECRET, "a test")
    text = f"{SECRET} and sk-very {SECRET}, {SECRET[:-1]}; {SECRET}{SECRET}"
    clean = f"[key] and sk-very [key], {SECRET[:-1]}; [key][key]"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    for field in ("content", "reasoning", "refusal"):
        read_ = read(*(delta(**{field: piece}) for piece in pieces), delta("stop"), key=key)
        assert clean in read_
    tool = delta(tool_calls=[{"function": {"name": SECRET}}])
    assert read(tool, key=key)[2] == "The model asks for a tool ([key]); the chat has none."


def test_a_word_that_is_no_secret_is_shown() -> None:
    for word in ("EMPTY", "none", "test-7"):
        assert read(delta("stop", content=f"It is {word}."), key=Key(word, "x"))[1].count(word) == 1
    redactor = Redactor(None)
    assert redactor.feed("all of it") + redactor.flush() == "all of it"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", ""),
        ("{}", ""),
        ("no", "no"),
        ('"no"', "no"),
        ('{"error": {"message": "no"}}', "no"),
        ('[{"error": {"message": "no"}}]', "no"),
        ('{"detail": [{"msg": "no"}, {"msg": "nor that"}]}', "no; nor that"),
        ('{"status": 5}', '{"status": 5}'),
    ],
)
def test_the_words_of_a_refusal_are_found(body: str, words: str) -> None:
    assert words_of_body(body) == words


@pytest.mark.parametrize(
    ("header", "when"),
    [
        ("20", "in 20 s"),
        (" 0 ", "in 0 s"),
        ("121", "in 3 min"),
        ("9" * 5000, "in 16666667 min"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "after 21 Oct 07:28:00 UTC"),
        ("", ""),
        ("soon", ""),
        ("-5", ""),
        ("1.5", ""),
    ],
)
def test_when_to_try_again(header: str, when: str) -> None:
    assert until_then(header) == when


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("https://b.example/v1/chat/completions", "https://b.example/v1"),
        ("/v2/chat/completions", "http://a.example:8000/v2"),
        ("//b.example/v1/models", "http://b.example/v1"),
        ("https://user:word@b.example/v1/?token=1", "https://b.example/v1"),
        ("", ""),
    ],
)
def test_where_a_server_sends_the_chat(location: str, address: str) -> None:
    assert moved_to("http://a.example:8000/v1/chat/completions", location) == address


def test_odd_values_are_read_as_far_as_they_can_be() -> None:
    assert read(delta({"type": "stop"}, content="Hi"))[1:] == ("Hi", "")
    assert read(delta(0, content="Hi"))[1] == "Hi"
    assert read(delta("stop", content={"type": "text", "text": "Hi"}))[1:] == ("Hi", "")
    assert read(delta("stop", content={"type": "thinking", "thinking": "why"}))[0] == "why"
    refused = read(delta("stop", content={"type": "refusal", "refusal": "No."}))
    assert refused[1:] == ("No.", "The model refused to answer.")
    asked = read(delta("stop", tool_calls=[{"function": {"name": 5}}]))
    assert asked[2] == "The model asks for a tool (5); the chat has none."


@pytest.mark.parametrize("error", ["[" * 100_000, '{"a": ' * 100_000])
def test_a_body_that_is_nested_too_deeply_is_text(error: str) -> None:
    assert words_of_body(error) == error
