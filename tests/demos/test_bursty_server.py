"""The demo's server over real HTTP on the loopback interface."""

import itertools
import json
import queue
import threading

import httpx2
import pytest
from andes_demos.bursty_server import OVERLOADED, TEXT, Burst, hurried, moments, serving, tokens

AT_ONCE = (Burst(silence=0.0, tokens=1, rate=1e5),)
AN_HOUR_AFTER_THREE = (Burst(0.0, 3, rate=1e5), Burst(3600.0, 1))
DEADLINE_S = 120.0


def texts(events: httpx2.EventSource) -> list[str]:
    chunks = [json.loads(event.data) for event in events if event.data != "[DONE]"]
    return [text for c in chunks if (text := c["choices"][0]["delta"].get("content"))]


def test_pieces_are_much_like_tokens() -> None:
    pieces = tokens(TEXT)
    assert "".join(pieces) == TEXT
    assert 1.2 < len(pieces) / len(TEXT.split()) < 1.4
    assert tokens("believable, he\n\nsaid") == ["believa", "ble", ",", " he", "\n", "\n", "said"]


def test_a_schedule_gives_each_token_its_moment() -> None:
    schedule = [Burst(3.0, 2, rate=10.0), Burst(5.0, 1), Burst(1.0, 1, rate=4.0)]
    assert moments(schedule, 6) == pytest.approx([3.0, 3.1, 8.1, 9.1, 9.35, 9.6])
    assert moments(schedule, 1) == [3.0]
    assert moments(schedule, 0) == []


def test_a_schedule_without_a_burst_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one Burst"):
        moments([], 3)


def test_hurry_keeps_the_rhythm() -> None:
    in_life = moments(OVERLOADED, 285)
    assert moments(hurried(OVERLOADED, 4.0), 285) == pytest.approx([t / 4 for t in in_life])


def test_the_overloaded_server_is_fast_enough_on_the_whole_but_silent_for_seconds() -> None:
    times = moments(OVERLOADED, len(tokens(TEXT)))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] == 3.0
    assert times[-1] < len(TEXT.split()) / 5.0  # a reader of 300 words/min takes longer
    assert sum(gap > 2.0 for gap in gaps) == len(OVERLOADED) - 1


def test_the_text_comes_exactly_in_chat_completion_chunks() -> None:
    with (
        serving(AT_ONCE) as url,
        httpx2.Client(trust_env=False) as client,
        client.sse(url, method="POST", json={"stream": True}) as events,
    ):
        assert url.startswith("http://127.0.0.1:")
        assert events.response.status_code == 200
        received = list(events)
    assert events.response.headers["content-type"].startswith("text/event-stream")
    assert received[-1].data == "[DONE]"
    chunks = [json.loads(event.data) for event in received[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(choice["delta"].get("content", "") for choice in choices) == TEXT
    assert [c["finish_reason"] for c in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_any_text_survives_the_way() -> None:
    text = 'One "two"\u2028three\u0085\r\n\n 漢字 👩🏽‍🚀 data: [DONE]\n\nend'
    with (
        serving(AT_ONCE, text) as url,
        httpx2.Client(trust_env=False) as client,
        client.sse(url, method="POST") as events,
    ):
        assert "".join(texts(events)) == text


def test_tokens_are_sent_as_they_come_and_a_client_that_leaves_stops_them() -> None:
    closed: queue.Queue[int] = queue.Queue()
    with (
        serving(AN_HOUR_AFTER_THREE, on_close=closed.put) as url,
        httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client,
    ):
        with client.sse(url, method="POST") as events:
            stream = iter(events)
            chunks = [json.loads(next(stream).data) for _ in range(4)]
            assert [c["choices"][0]["delta"]["content"] for c in chunks] == ["", *tokens(TEXT)[:3]]
            assert closed.empty()
        assert closed.get(timeout=DEADLINE_S) == 3


def test_the_server_is_gone_after_its_block_even_if_a_client_is_not() -> None:
    closed: queue.Queue[int] = queue.Queue()
    threads = threading.active_count()
    with httpx2.Client(trust_env=False, timeout=DEADLINE_S) as client:
        with serving(AN_HOUR_AFTER_THREE, on_close=closed.put) as url:
            request = client.build_request("POST", url)
            response = client.send(request, stream=True)
            next(response.iter_raw())
        assert closed.get(timeout=DEADLINE_S) == 3
        assert threading.active_count() == threads
        response.close()
        with pytest.raises(httpx2.ConnectError):
            client.post(url)
