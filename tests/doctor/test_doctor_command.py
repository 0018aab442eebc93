"""`andes doctor` as a command: its text, its JSON, its exit status, a wrong command line."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from andes_backend.doctor.exposition import Exposition
from andes_backend.doctor.finding import Finding, better, ok, problem, status_of
from andes_backend.doctor.flags import without_command
from andes_backend.doctor.installation import check_installation
from andes_backend.doctor.report import as_json, as_text
from andes_client import cli

FLAG = '--additional-config \'{"andes": {"policy": "fcfs"}}\' ' * 2
SECTIONS = {
    "First": [ok("good", "It is as it should be, and this takes more than one line to say.")],
    "Second": [
        better("fair", "It works.", why="It could work better.", do="Change it.", flags=FLAG),
        problem("bad", "It does not work.", do="Mend it."),
    ],
}


def test_findings_read_well_in_a_narrow_terminal() -> None:
    assert as_text(SECTIONS, width=50) == (
        "First\n"
        "\n"
        "  ok      good: It is as it should be, and this\n"
        "          takes more than one line to say.\n"
        "\n"
        "Second\n"
        "\n"
        "  better  fair: It works.\n"
        "          It could work better.\n"
        "          -> Change it.\n"
        f"             {FLAG}\n"
        "  problem bad: It does not work.\n"
        "          -> Mend it.\n"
        "\n"
        "1 problem, and 1 could be better."
    )


def test_what_is_to_be_copied_is_never_broken() -> None:
    for width in (20, 40, 80, 300):
        lines = as_text(SECTIONS, width=width).splitlines()
        assert sum(FLAG in line for line in lines) == 1
        assert all(len(line) <= 100 for line in lines if FLAG not in line)


def test_what_a_server_says_does_not_act() -> None:
    said = "model \x1b]0;owned\x07\x9b2J\u202eevil"
    sections = {"Only": [problem(said, said, why=said, do=said)]}
    for shown in (as_text(sections), as_json(sections)):
        assert not set(shown) & set("\x1b\x07\x9b\u202e")
        assert shown.count("evil") == 4
    assert json.loads(as_json(sections))["problems"] == 1


def test_colours_change_nothing_but_colours() -> None:
    coloured = as_text(SECTIONS, colours=True)
    assert coloured != (plain := as_text(SECTIONS))
    for code in ("\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[0m"):
        assert code in coloured
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_the_verdict_counts() -> None:
    good, fair, bad = SECTIONS["First"][0], *SECTIONS["Second"]
    for findings, verdict in (
        ([good], "All is well."),
        ([good, fair], "No problems; 1 could be better."),
        ([bad, bad], "2 problems."),
    ):
        assert as_text({"": findings}).splitlines()[-1] == verdict


def test_a_program_finds_everything_in_the_json() -> None:
    said = json.loads(as_json(SECTIONS))
    assert (said["problems"], said["better"], len(said["findings"])) == (1, 1, 3)
    assert said["findings"][1] == {
        "section": "Second",
        "topic": "fair",
        "level": "better",
        "what": "It works.",
        "why": "It could work better.",
        "do": "Change it.",
        "flags": FLAG,
    }


def test_it_says_which_release_of_ours_this_is_and_from_where() -> None:
    """A report of a bug carries it, also where there is no vLLM."""
    ours, *_ = check_installation(None)
    assert (ours.topic, ours.level) == ("Andes", "ok")
    assert ours.what == f"{version('andes-streaming')}, from {Path(__file__).parents[2]}"


def test_only_a_problem_makes_the_status_1() -> None:
    good, fair, bad = SECTIONS["First"][0], *SECTIONS["Second"]
    findings: list[Finding] = [good, fair]
    assert status_of(findings) == 0
    assert status_of([*findings, bad]) == 1


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], []),
        (["--", "m", "--port", "1"], ["m", "--port", "1"]),
        (["m", "--port", "1"], ["m", "--port", "1"]),
        (["--", "vllm", "serve", "m", "--port", "1"], ["m", "--port", "1"]),
    ],
)
def test_the_whole_command_line_of_a_server_may_be_pasted(
    words: list[str], flags: list[str]
) -> None:
    assert without_command(words) == flags


@pytest.mark.parametrize(
    "words",
    [
        ["--"],
        ["--", "--max-num-seqs", "3"],
        ["--max-num-seqs", "3"],
        ["--url", "nowhere"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_status_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["doctor", *words])
    assert left.value.code == 2
    assert "andes" in capsys.readouterr().err


def test_the_doctor_imports_neither_vllm_nor_what_only_other_extras_have(tmp_path: Path) -> None:
    import subprocess

    program = (
        "import sys; import andes_backend.doctor.command, andes_backend.doctor.running;"
        "import andes_backend.doctor.installation, andes_backend.doctor.flags;"
        "import andes_backend.doctor.examine, andes_backend.doctor.report;"
        "print([m for m in ('vllm', 'torch', 'numpy', 'rich', 'httpx2') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert out.strip() == "[]"


def test_metrics_are_read_with_their_labels() -> None:
    text = (
        "# HELP a:b what it is\n# TYPE a:b counter\n"
        'a:b{x="1",y="with \\"quotes\\", and } in it"} 2.0\na:b{x="2"} 3e0 1795191866\n'
        "a:c 0.5\na:d{} NaN\n"
    )
    found = Exposition(text)
    assert found.total("a:b") == 5
    assert found.total("a:b", x="2") == 3
    assert found.of("a:b")[0].labels["y"] == 'with \\"quotes\\", and } in it'
    assert found.most("a:b") == 3
    assert found.most("none") == found.total("none") == 0
    assert found.has("a:")
    assert not found.has("b:")
    assert found.of("a:c")[0].value == 0.5
