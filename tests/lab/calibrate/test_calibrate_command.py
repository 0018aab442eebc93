"""The command line of `andes calibrate`: what it passes on, and errors that say what to do."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from andes_backend.lab.calibrate import command, session
from andes_backend.lab.calibrate.progress import Progress
from andes_backend.lab.calibrate.session import Options

NEEDED = ("--url", "http://127.0.0.1:9", "--model", "m")


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="andes")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["calibrate", *words])


def status(*words: str) -> int:
    arguments = parse(*words)
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


def test_adding_the_command_imports_nothing_heavy() -> None:
    """Every `andes` command pays for what is imported here."""
    program = "import sys, andes_backend.lab.calibrate.command; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    heavy = {"numpy", "httpx2", "rich", "matplotlib", "tokenizers", "asyncio", "vllm", "torch"}
    assert not heavy & {name.partition(".")[0] for name in out.split()}


def test_the_options_reach_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Options] = []

    def note(options: Options) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr(session, "calibrate", note)
    assert status(*NEEDED) == 0
    more = ("--out", "a/b.json", "--kv-tokens", "5120", "--block-size", "32", "--repetitions", "1")
    limits = ("--max-sequences", "64", "--max-step-tokens", "8192")
    assert status("--url", "http://host:1/v1/", "--model", "m", *more, *limits) == 0
    plain, full = seen
    assert plain.out == Path("results/profile.json")
    assert (plain.kv_tokens, plain.block_size, plain.max_sequences) == (None, None, None)
    assert (plain.max_step_tokens, plain.repetitions) == (2048, 3)
    assert (full.target.url, full.target.model) == ("http://host:1", "m")
    assert (full.out, full.kv_tokens, full.block_size) == (Path("a/b.json"), 5120, 32)
    assert (full.max_sequences, full.max_step_tokens, full.repetitions) == (64, 8192, 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "m"), "--url"),
        (("--url", "host:1", "--model", "m"), "'host:1' is not a URL such as http://"),
        ((*NEEDED, "--out", "profile"), "'profile' must end in .json, as profiles do"),
        ((*NEEDED, "--kv-tokens", "0"), "'0' must be a whole number, 1 or more"),
        ((*NEEDED, "--repetitions", "1.5"), "'1.5' must be a whole number, 1 or more"),
    ],
)
def test_wrong_words_are_explained(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_no_server_is_a_line_and_not_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert status(*NEEDED) == 1
    error = capsys.readouterr().err
    assert error.startswith("andes calibrate: http://127.0.0.1:9 does not answer (ConnectError")
    assert error.count("\n") == 1


def told(console: Console) -> str:
    with Progress(console) as progress:
        for done in range(2):
            progress.told("prefill", done, 2)
        progress.told("admission", 0, 1)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_off_a_terminal_progress_is_a_line_for_each_kind() -> None:
    printed = told(Console(file=StringIO(), width=100))
    assert printed == "prefill: 2 experiments\nadmission: 1 experiment\n"


def test_on_a_terminal_progress_is_a_bar() -> None:
    printed = told(Console(file=StringIO(), width=100, force_terminal=True))
    assert "prefill" in printed
    assert "admission" in printed
    assert "experiments" not in printed
