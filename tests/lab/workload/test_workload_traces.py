"""Traces of every format: their times and lengths as they are, and each kind of bad line."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from andes_backend.lab.workload import (
    Gamma,
    Speaking,
    Workload,
    WorkloadError,
    make_workload,
    read_trace,
    trace_workload,
)

AZURE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:50.9951691,10,1

2023-11-16 18:16:46.6805900,879,55
"""
BURSTGPT = """\
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,ChatGPT,1087,230,1317,Conversation log
60,ChatGPT,0,0,0,API log
118.5,GPT-4,417,276,693,Conversation log
"""
BURSTGPT_SESSIONS = """\
Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
5,a-1,3.1,ChatGPT,472,18,490,Conversation log
"""
MOONCAKE = """\
{"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1, 2]}
{"timestamp": 0, "input_length": 7319, "output_length": 490, "hash_ids": [0, 14]}
{"timestamp": 3052, "input_length": 2287, "output_length": 316, "hash_ids": [0, 42]}
"""


def conversation(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"id": "x", "conversations": [{"from": who, "value": text} for who, text in turns]}


SHAREGPT = json.dumps(
    [
        conversation(("human", "a" * 8), ("gpt", "b" * 9)),
        conversation(),
        conversation(("system", "s" * 4), ("human", "a"), ("gpt", "b" * 400), ("human", "c" * 40),
                     ("gpt", "d" * 20), ("human", "bye")),
        conversation(("gpt", "hello"), ("human", "a")),
        conversation(("human", ""), ("gpt", "b")),
    ]
)  # fmt: skip

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str, name: str = "trace.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rows(workload: Workload) -> list[tuple[float, int, int]]:
    return [(r.arrival_s, r.prompt_tokens, r.output_tokens) for r in workload.requests]


# Each format as its source describes it


def test_azure_to_the_seventh_digit_of_a_second(write: Write) -> None:
    workload = trace_workload(write(AZURE), seed=0)
    assert rows(workload) == [
        (0.0, 374, 44),
        (pytest.approx(4.314579, abs=1e-12), 396, 109),
        (pytest.approx(4.3145791, abs=1e-12), 10, 1),
        (60.0, 879, 55),
    ]
    assert workload.name == "trace"
    assert workload.where(3).endswith("trace.csv, line 6)")
    assert workload.remarks == ()


def test_azure_of_2024_has_a_time_zone(write: Write) -> None:
    lines = ["TIMESTAMP,ContextTokens,GeneratedTokens", "2024-05-10 23:59:59.5+00:00,2162,5",
             "2024-05-11 00:00:00+00:00,1,5", "2024-05-11 02:00:01+02:00,2,5",
             "2024-05-10 19:00:02-05:00,3,5", "2024-05-11T00:00:03Z,4,5"]  # fmt: skip
    workload = trace_workload(write("\r\n".join(lines)), seed=0)
    assert [row[0] for row in rows(workload)] == [0.0, 0.5, 1.5, 2.5, 3.5]


def test_burstgpt_without_its_failed_requests(write: Write) -> None:
    workload = trace_workload(write(BURSTGPT), seed=0)
    assert rows(workload) == [(0.0, 472, 18), (40.0, 1087, 230), (113.5, 417, 276)]
    (remark,) = workload.remarks
    assert remark.endswith("trace.csv: skipped 1 line without an answer")
    assert workload.where(2).endswith("trace.csv, line 5)")


def test_failed_requests_after_the_last_one_asked_for_are_not_counted(write: Write) -> None:
    workload = trace_workload(write(BURSTGPT), seed=0, count=2)
    assert len(workload.requests) == 2
    assert workload.remarks == ()


def test_burstgpt_with_sessions(write: Write) -> None:
    assert rows(trace_workload(write(BURSTGPT_SESSIONS), seed=0)) == [(0.0, 472, 18)]


def test_mooncake_in_milliseconds(write: Write) -> None:
    workload = trace_workload(write(MOONCAKE, "conversation_trace.jsonl"), seed=0)
    assert rows(workload) == [(0.0, 6755, 500), (0.0, 7319, 490), (3.052, 2287, 316)]
    assert workload.name == "conversation_trace"


def test_sharegpt_first_rounds_at_four_characters_a_token(write: Write) -> None:
    workload = trace_workload(write(SHAREGPT, "s.json"), seed=0, rate=2.0)
    assert [row[1:] for row in rows(workload)] == [(2, 3), (1, 100)]
    (remark,) = workload.remarks
    assert remark.endswith("s.json: skipped 3 conversations without an answer")
    assert workload.where(1).endswith("s.json, conversation 3)")


def test_sharegpt_last_rounds_with_all_that_came_before(write: Write) -> None:
    path = write(SHAREGPT, "s.json")
    workload = trace_workload(path, seed=0, rate=2.0, trace_format="sharegpt-multiround")
    # 4 + 1 + 400 + 40 characters, and 20.
    assert [row[1:] for row in rows(workload)] == [(2, 3), (112, 5)]


def test_sharegpt_gets_the_arrivals_of_a_drawn_workload(write: Write) -> None:
    path = write(SHAREGPT, "s.json")
    for arrivals in (None, Gamma(cv=3.0)):
        given_arrivals: dict[str, Any] = {} if arrivals is None else {"arrivals": arrivals}
        drawn = make_workload(2, rate=2.0, seed=5, **given_arrivals)
        taken = trace_workload(path, seed=5, rate=2.0, arrivals=arrivals)
        assert [row[0] for row in rows(taken)] == [row[0] for row in rows(drawn)]


def test_a_trace_without_times_needs_a_rate(write: Write) -> None:
    with pytest.raises(WorkloadError, match=r"s\.json has no times of its own, so give a rate"):
        trace_workload(write(SHAREGPT, "s.json"), seed=0)


@pytest.mark.parametrize("name", ["trace", "trace.txt", "trace.csv", "trace.json"])
def test_the_format_is_told_by_the_first_line_not_the_name(write: Write, name: str) -> None:
    for text, count in ((AZURE, 4), (BURSTGPT, 3), (MOONCAKE, 3), (SHAREGPT, 2)):
        assert len(trace_workload(write(text, name), seed=0, rate=1.0).requests) == count


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(write: Write) -> None:
    for text in (AZURE, BURSTGPT, MOONCAKE, SHAREGPT):
        plain = trace_workload(write(text), seed=0, rate=1.0)
        other = write(text.replace("\n", "\r\n"), encoding="utf-8-sig")
        assert rows(trace_workload(other, seed=0, rate=1.0)) == rows(plain)


# Times, rates and readers


def test_at_a_rate_the_times_are_stretched(write: Write) -> None:
    own, faster = (trace_workload(write(AZURE), seed=0, rate=rate) for rate in (None, 6.0))
    assert faster.requests[-1].arrival_s == pytest.approx(3 / 6.0)  # 3 gaps
    own_times, times = (np.array([row[0] for row in rows(w)]) for w in (own, faster))
    assert times * 60.0 == pytest.approx(own_times * 0.5)


def test_the_rate_is_that_of_the_requests_taken(write: Write) -> None:
    workload = trace_workload(write(AZURE), seed=0, count=2, rate=2.0)
    assert [row[0] for row in rows(workload)] == [0.0, pytest.approx(0.5)]
    assert rows(trace_workload(write(AZURE), seed=0, count=1, rate=2.0)) == [(0.0, 374, 44)]


def test_arrivals_in_place_of_the_traces_own(write: Write) -> None:
    taken = trace_workload(write(AZURE), seed=1, rate=3.0, arrivals=Gamma(cv=3.0))
    drawn = make_workload(4, seed=1, rate=3.0, arrivals=Gamma(cv=3.0))
    assert [row[0] for row in rows(taken)] == [row[0] for row in rows(drawn)]
    assert [row[1:] for row in rows(taken)] == [(374, 44), (396, 109), (10, 1), (879, 55)]
    with pytest.raises(WorkloadError, match="drawn arrivals need a rate"):
        trace_workload(write(AZURE), seed=1, arrivals=Gamma(cv=3.0))


def test_requests_at_one_moment_have_no_rate(write: Write) -> None:
    path = write("Timestamp,Request tokens,Response tokens\n0,1,2\n1e-310,3,4\n")
    with pytest.raises(WorkloadError, match="its 2 requests all come at the same time"):
        trace_workload(path, seed=0, rate=1.0)
    path = write(MOONCAKE)
    with pytest.raises(WorkloadError, match="its 2 requests all come at the same time"):
        trace_workload(path, seed=0, count=2, rate=1.0)
    assert [row[0] for row in rows(trace_workload(path, seed=0, count=2))] == [0.0, 0.0]


def test_readers_are_drawn_as_for_any_workload(write: Write) -> None:
    some: list[dict[str, Any]] = [{}, {"readers": Speaking(programs=0.5)}]
    for readers in some:
        taken = trace_workload(write(AZURE), seed=7, ttft=0.5, **readers)
        drawn = make_workload(4, rate=1.0, seed=7, ttft=0.5, **readers)
        assert [r.expectation for r in taken.requests] == [r.expectation for r in drawn.requests]
    assert taken == trace_workload(write(AZURE), seed=7, ttft=0.5, **readers)


def test_long_requests_are_cut(write: Write) -> None:
    workload = trace_workload(write(AZURE), seed=0, max_length=400)
    assert [row[1:] for row in rows(workload)] == [(200, 44), (200, 109), (10, 1), (200, 55)]


ROWS = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1
)


@given(drawn=ROWS)
@settings(max_examples=50)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, int, int]]
) -> None:
    drawn.sort(key=lambda row: row[0])
    path = tmp_path_factory.mktemp("traces") / "trace.jsonl"
    keys = ("timestamp", "input_length", "output_length")
    path.write_text("\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in drawn))
    trace = read_trace(path)
    assert trace.times is not None
    assert trace.times == pytest.approx([(row[0] - drawn[0][0]) / 1e3 for row in drawn])
    assert trace.lengths.tolist() == [list(row[1:]) for row in drawn]
    assert trace.source.lines == tuple(range(1, len(drawn) + 1))


# Bad files


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(WorkloadError) as error:
        trace_workload(path, seed=0, rate=1.0, **options)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty, which is not a trace of a known format (azure: CSV with the columns TIME"),
        ("\n\n", "is empty, which is not a trace"),
        ("prompt_tokens,output_tokens\n1,2\n", "starts with 'prompt_tokens,output_tokens'"),
        ('"a text"', "starts with '\"a text\"'"),
        (AZURE.splitlines()[0], "has no requests: is the file complete?"),
        (AZURE.splitlines()[0].replace("TIMESTAMP", "time"), "line 1: no column TIMESTAMP;"),
        ("TIMESTAMP,ContextTokens\n", "line 1: no column GeneratedTokens; the first line must"),
        ("Timestamp,Model\n", "line 1: no column Request tokens and Response tokens;"),
        ("[]", "must be a list of one or more conversations"),
        ("[1, 2", "line 1: not valid JSON (Expecting"),
        ("[\n{},\n{]", "line 3: not valid JSON (Expecting"),
        ("[" * 100_000, "not valid JSON (maximum recursion depth"),
        ("[" + "9" * 5000 + "]", "not valid JSON (Exceeds the limit"),
        ("[1]", 'conversation 1: must be an object with a list of turns "conversations"'),
        ('[{"id": "x"}]', "conversation 1: must be an object with a list of turns"),
        ('[{"conversations": ["a"]}]', 'turn 1: must be an object with the texts "from" and'),
        ('[{"conversations": [{"from": "gpt", "value": 3}]}]', "conversation 1, turn 1: must be"),
        ('[{"conversations": []}]', "has no requests besides 1 conversation without an answer"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(write: Write, text: str, message: str) -> None:
    assert message in refused(write(text))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("yesterday,1,2", "line 2: TIMESTAMP is 'yesterday'; it must be a time such as 2023-11-16"),
        (",1,2", "line 2: TIMESTAMP is missing"),
        ("2023-02-30 00:00:00,1,2", "line 2: TIMESTAMP is '2023-02-30 00:00:00'"),
        ("2023-11-16,1,2", "line 2: TIMESTAMP is '2023-11-16'"),
        ("0001-01-01 00:00:00+05:00,1,2", "line 2: TIMESTAMP is '0001-01-01 00:00:00+05:00'"),
        ("-2023-11-16 18:15:46,1,2", "line 2: TIMESTAMP is '-2023-11-16 18:15:46'"),
        ("2023-11-16 18:15:46,0,2", "line 2: ContextTokens is '0'; it must be a whole number, 1"),
        ("2023-11-16 18:15:46,1,0", "line 2: GeneratedTokens is '0'; it must be a whole number, 1"),
        ("2023-11-16 18:15:46,-4,2", "line 2: ContextTokens is '-4'"),
        ("2023-11-16 18:15:46,1", "line 2: GeneratedTokens is missing"),
        ("2023-11-16 18:15:46,1.5,2", "line 2: ContextTokens is '1.5'"),
        ("2023-11-16 18:15:46,1_0,2", "line 2: ContextTokens is '1_0'"),
        ("2023-11-16 18:15:46,99999999,2", "is '99999999'; it must be a whole number, 10000000 at"),
        ("2023-11-16 18:15:46," + "9" * 5000 + ",2", "line 2: ContextTokens is '999"),
    ],
)
def test_a_bad_line_of_azure_is_named(write: Write, row: str, message: str) -> None:
    assert message in refused(write(AZURE.splitlines()[0] + "\n" + row + "\n"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("-5,m,1,2", "line 2: Timestamp is '-5'; it must be a number of seconds, 0 or more"),
        (",m,1,2", "line 2: Timestamp is missing"),
        ("nan,m,1,2", "line 2: Timestamp is 'nan'"),
        ("1e999,m,1,2", "line 2: Timestamp is '1e999'"),
        ("soon,m,1,2", "line 2: Timestamp is 'soon'"),
        ("5,m,0,2", "line 2: Request tokens is '0'; it must be a whole number, 1 or more"),
        ("5,m,1,-2", "line 2: Response tokens is '-2'; it must be a whole number, 0 or more"),
        ("5,m,-1,0", "line 2: Request tokens is '-1'; it must be a whole number, 0 or more"),
        ("5,m,1", "line 2: Response tokens is missing"),
        ("5,m,1,0", "has no requests besides 1 line without an answer"),
    ],
)
def test_a_bad_line_of_burstgpt_is_named(write: Write, row: str, message: str) -> None:
    header = "Timestamp,Model,Request tokens,Response tokens"
    assert message in refused(write(f"{header}\n{row}\n"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timestamp": -1}, "line 2: timestamp is '-1'; it must be a number of milliseconds, 0"),
        ({"timestamp": math.nan}, "line 2: timestamp is 'nan'"),
        ({"timestamp": math.inf}, "line 2: timestamp is 'inf'"),
        ({"timestamp": 10**400}, "line 2: timestamp is '1000"),
        ({"timestamp": "5"}, "line 2: timestamp is '5'"),
        ({"timestamp": True}, "line 2: timestamp is 'True'"),
        ({"timestamp": None}, "line 2: timestamp is 'None'"),
        (
            {"input_length": 0},
            "line 2: input_length is '0'; it must be a whole number of tokens, 1",
        ),
        ({"input_length": 1.5}, "line 2: input_length is '1.5'"),
        ({"output_length": 0}, "line 2: output_length is '0'"),
        ({"output_length": True}, "line 2: output_length is 'True'"),
        ({"output_length": 10**30}, "line 2: output_length is '1000"),
    ],
)
def test_a_bad_line_of_mooncake_is_named(
    write: Write, change: dict[str, Any], message: str
) -> None:
    row = {"timestamp": 5, "input_length": 1, "output_length": 2}
    assert message in refused(write(json.dumps(row) + "\n" + json.dumps(row | change)))
    (key,) = change
    del row[key]
    without = write(MOONCAKE + json.dumps(row))
    assert f"line 4: {key} is missing" in refused(without)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "line 4: not a JSON object with timestamp (ms), input_length and output_length"),
        ("{", "line 4: not valid JSON (Expecting"),
        ('{"timestamp": ' + "9" * 5000 + "}", "line 4: not valid JSON (Exceeds the limit"),
        ("[" * 100_000, "line 4: not valid JSON ("),
    ],
)
def test_a_line_that_is_no_object_is_named(write: Write, line: str, message: str) -> None:
    assert message in refused(write(MOONCAKE + line))


@pytest.mark.parametrize("text", [AZURE, BURSTGPT, MOONCAKE])
def test_times_out_of_order_are_refused_not_sorted(write: Write, text: str) -> None:
    head, lines = ([], text.splitlines()) if text == MOONCAKE else ([text.splitlines()[0]], [])
    lines = [line for line in text.splitlines()[len(head) :] if line]
    swapped = "\n".join([*head, lines[-1], lines[0]])
    late = len(head) + 2
    assert f"line {late}: its time is before that of line {late - 1}: sort" in refused(
        write(swapped)
    )


@pytest.mark.parametrize("text", [AZURE, BURSTGPT, MOONCAKE, SHAREGPT])
def test_too_few_requests_are_refused_before_anything_runs(write: Write, text: str) -> None:
    message = refused(write(text), count=100)
    found = {AZURE: "4 requests", BURSTGPT: "3 requests besides 1 line without an answer",
             MOONCAKE: "3 requests", SHAREGPT: "2 requests besides 3 conversations"}  # fmt: skip
    assert f"has {found[text]}" in message
    assert "but 100 were asked for: ask for" in message


def test_a_format_can_be_given_and_is_held_to(write: Write) -> None:
    assert "line 1: no column Timestamp" in refused(write(AZURE), trace_format="burstgpt")
    assert "line 1: not valid JSON" in refused(write(AZURE), trace_format="mooncake")
    assert "line 2: not valid JSON (Extra data" in refused(write(MOONCAKE), trace_format="sharegpt")
    with pytest.raises(
        WorkloadError, match="unknown trace format 'parquet'; the formats are: azure, burst"
    ):
        read_trace(write(AZURE), trace_format="parquet")


def test_a_file_that_is_no_text_is_refused(write: Write, tmp_path: Path) -> None:
    assert "not UTF-8 text" in refused(write("x" * 9 + "é", encoding="latin-1"))
    assert "not UTF-8 text" in refused(write(AZURE + "é" * 9000, encoding="latin-1"))
    assert "not UTF-8 text" in refused(write(MOONCAKE + " " * 9000 + "é", encoding="latin-1"))
    assert "not UTF-8 text" in refused(write("[" + " " * 9000 + "é", encoding="latin-1"))
    with pytest.raises(FileNotFoundError):
        read_trace(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError):
        read_trace(tmp_path)


def test_a_line_that_is_no_csv_is_named(write: Write) -> None:
    assert "line 2: not valid CSV (" in refused(
        write(AZURE.splitlines()[0] + '\n"' + "x" * 200_000)
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [({"count": 0}, "1 or more"), ({"rate": 0.0}, "above 0"), ({"seed": -1}, "0 or more")],
)
def test_arguments_out_of_range_are_refused(
    write: Write, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        trace_workload(write(AZURE), **{"seed": 0, **options})
