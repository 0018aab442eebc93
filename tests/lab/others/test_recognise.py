"""`andes bench read`: files are recognised by what is in them, and mistakes are explained."""

import json
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.others.found import UnreadableError
from andes_backend.lab.others.recognise import read_runs
from andes_backend.lab.report.outcome import Outcome
from andes_backend.lab.report.run import Run, write_json
from andes_backend.lab.workload import Request
from andes_client import Expectation, cli, speaking
from tests.lab.others.files import chunk, record, vllm_result

DONE = ((0.5, chunk("a", [1])), (2.0, chunk("b", [2], finish_reason="stop")))


def written(path: Path, *values: Any, indent: int | None = None) -> Path:
    path.write_text("\n".join(json.dumps(value, indent=indent) for value in values))
    return path


def ours(path: Path) -> Path:
    request = Request(0.0, 5, 2, Expectation(0.2, 3.0))
    run = Run("qoe", {}, (Outcome(0, request, 0.0, (0.5, 2.0)),), 1)
    write_json(run, path, date="2026-11-29T11:00:00+00:00")
    return path


def command(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(["bench", "read", *map(str, words)])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


@pytest.mark.parametrize("indent", [None, 2])
def test_a_result_of_vllm_bench_on_one_line_or_on_many(tmp_path: Path, indent: int | None) -> None:
    (found,) = read_runs(written(tmp_path / "some.txt", vllm_result(), indent=indent))
    assert found.run.label == "some"
    assert len(found.run.outcomes) == 2


def test_several_results_in_one_file_are_several_runs(tmp_path: Path) -> None:
    path = written(tmp_path / "all.json", vllm_result(), vllm_result())
    assert [one.run.label for one in read_runs(path)] == ["all-1", "all-2"]


def test_a_raw_export_of_aiperf(tmp_path: Path) -> None:
    path = written(tmp_path / "raw.jsonl", record(*DONE), record(*DONE, sent=1.0))
    (found,) = read_runs(path)
    assert len(found.run.outcomes) == 2


def test_our_own_files_keep_their_readers_unless_others_are_named(tmp_path: Path) -> None:
    path = ours(tmp_path / "stock-3.json")
    ((kept,), (changed,)) = (read_runs(path), read_runs(path, speaking()))
    assert kept.run.label == "stock-3"
    assert kept.run.outcomes[0].request.expectation == Expectation(0.2, 3.0)
    assert changed.run.outcomes[0].request.expectation == speaking()
    assert kept.run.outcomes[0].qoe < changed.run.outcomes[0].qoe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty. The files that can be read are"),
        ("\n\n", "it is empty"),
        ("no json", "line 1 is not a JSON object"),
        ("[1, 2]", "line 1 is not a JSON object"),
        ('{"a": 1}', "of no kind that is known. The files that can be read are"),
        (json.dumps(record()) + "\n{", "line 2 is not a JSON object"),
        ("[" * 100_000, "line 1 is not a JSON object"),
        ('{"metadata": {}, "metrics": {}}', "--export-level raw, and give profile_export_raw"),
        ('{"input_config": {}}', "this is AIPerf's summary"),
        ('{"benchmarks": []}', "this is GuideLLM's report"),
        (json.dumps({"backend": "", "model_id": "", "num_prompts": 1, "duration": 1}), "detailed"),
        (
            json.dumps({"label": "", "settings": {}, "summary": {}, "requests": [{}]}),
            "does not hold a run of `andes bench`",
        ),
    ],
)
def test_what_cannot_be_read_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(UnreadableError, match=said):
        read_runs(path)
    status, out, err = command(capsys, path)
    assert (status, out) == (1, "")
    assert err.startswith(f"andes bench: {path}: ")
    assert err.count("\n") == 1


def test_bytes_that_are_no_text_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableError, match="not a text file"):
        read_runs(path)


def test_a_missing_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = command(capsys, tmp_path / "none.json")
    assert status == 1
    assert err.startswith("andes bench: ")
    assert "none.json" in err


def test_runs_are_shown_side_by_side_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("stock", "qoe"):
        (tmp_path / folder).mkdir()
    first = written(tmp_path / "stock" / "raw.jsonl", record(*DONE), record(sent=1.0))
    second = written(tmp_path / "qoe" / "raw.jsonl", record(*DONE))
    third = written(tmp_path / "vllm.json", vllm_result())
    out = tmp_path / "out"
    status, said, _ = command(capsys, first, second, third, "--expectation=3.3", f"--out={out}")
    assert status == 0
    for text in ("stock-raw", "qoe-raw", "QoE, mean", "Who waited", "request 1 failed: it got no"):
        assert text in said
    assert "readers expect the first token after 1 s, and then 3.3 tokens/s" in said
    assert "vllm: 1 of 2 answers came in fewer chunks" in said
    assert {path.name for path in out.iterdir()} == {
        "plot.png",
        "qoe-raw.json",
        "stock-raw.json",
        "vllm.json",
    }
    (again,) = read_runs(out / "vllm.json")
    assert [len(one.times) for one in again.run.outcomes] == [3, 4]


def test_the_readers_of_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "vllm.json", vllm_result())
    for words, said in {
        (): "after 1 s, and then 4.8 tokens/s",
        ("--expectation=speaking",): "after 1 s, and then 3.3 tokens/s",
        ("--expectation=program", "--ttft=0.5"): "after 0.5 s, and then each at once",
        ("--ttft=2",): "after 2 s, and then 4.8 tokens/s",
    }.items():
        assert said in command(capsys, path, *words)[1]


@pytest.mark.parametrize("wrong", ["", "0", "-1", "nan", "inf", "listening"])
def test_a_wrong_expectation_is_refused(capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    status, _, err = command(capsys, "file", f"--expectation={wrong}")
    assert status == 2
    assert "must be reading, speaking, program, or tokens/s above 0" in err
