"""The options that commands share: defaults, every kind of workload, contradictions."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from andes_backend.lab.workload import (
    Fixed,
    Gamma,
    Mix,
    MultiRound,
    Speaking,
    WorkloadError,
    formats,
    make_workload,
    options,
    trace_workload,
)
from andes_backend.lab.workload.options import add_workload_options, settings_of, workload_from

AZURE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
"""


def parse(*words: str, **keywords: Any) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_workload_options(parser, **keywords)
    return parser.parse_args(words)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "azure.csv"
    path.write_text(AZURE)
    return str(path)


def test_without_options_it_is_the_workload_of_always() -> None:
    arguments = parse()
    assert workload_from(arguments) == make_workload(250, rate=3.0, seed=0)
    assert settings_of(arguments) == {
        "workload": "sharegpt",
        "rate": 3.0,
        "requests": 250,
        "seed": 0,
        "arrivals": "poisson",
        "readers": "reading",
        "ttft": 1.0,
        "lengths": "sharegpt",
        "users": None,
        "trace": None,
        "max_length": None,
    }


def test_every_option_arrives() -> None:
    words = ("--rate", "2", "--requests", "9", "--seed", "4", "--arrivals", "gamma:cv=3")
    more = ("--readers", "mix:speaking=0.3,programs=0.1", "--ttft", "0.5", "--max-length", "700")
    arguments = parse(*words, *more, "--lengths", "multiround")
    assert workload_from(arguments) == make_workload(
        9,
        rate=2.0,
        seed=4,
        arrivals=Gamma(cv=3.0),
        readers=Mix(0.3, 0.1),
        ttft=0.5,
        max_length=700,
        lengths=MultiRound(),
        name="multiround",
    )
    settings = settings_of(arguments)
    assert settings["arrivals"] == "gamma:cv=3"
    assert settings["readers"] == "mix:speaking=0.3,programs=0.1"
    assert settings["lengths"] == settings["workload"] == "multiround"
    assert json.loads(json.dumps(settings, allow_nan=False)) == settings


def test_the_default_limit_is_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(max_length=800).max_length == 800
    assert parse("--max-length", "9", max_length=800).max_length == 9
    for limit, shown in ((800, "(default: 800)"), (None, "(default: no limit)")):
        with pytest.raises(SystemExit):
            parse("--help", max_length=limit)
        assert shown in " ".join(capsys.readouterr().out.split())


def test_values_passed_go_before_options() -> None:
    """So a command can run many workloads from one command line."""
    arguments = parse("--rate", "2", "--seed", "1", "--arrivals", "gamma:cv=2", "--requests", "5")
    over: dict[str, Any] = {"rate": 6.0, "seed": 7, "arrivals": Gamma(cv=3.0)}
    made = make_workload(5, name="sharegpt", **over)
    assert workload_from(arguments, **over) == made
    settings = settings_of(arguments, **over)
    assert (settings["rate"], settings["seed"], settings["arrivals"]) == (6.0, 7, "gamma:cv=3")


def test_a_command_may_define_options_itself() -> None:
    parser = argparse.ArgumentParser()
    add_workload_options(parser, without=("rate", "seed", "arrivals"))
    parser.add_argument("--rate", type=options.rate_value, nargs="+")
    arguments = parser.parse_args(["--rate", "1", "2", "--requests", "5"])
    assert [workload_from(arguments, rate=rate) for rate in arguments.rate] == [
        make_workload(5, rate=rate, seed=0) for rate in (1.0, 2.0)
    ]


def test_a_trace_with_its_own_times(trace: str) -> None:
    arguments = parse("--trace", trace, "--requests", "2", "--readers", "speaking")
    assert workload_from(arguments) == trace_workload(trace, seed=0, count=2, readers=Speaking())
    settings = settings_of(arguments)
    assert settings["trace"] == trace
    assert settings["workload"] == "azure"
    assert settings["rate"] is settings["arrivals"] is settings["lengths"] is None


def test_a_trace_at_a_rate_with_other_arrivals_and_a_format(trace: str) -> None:
    words = ("--trace", trace, "--requests", "2", "--rate", "5", "--trace-format", "azure")
    expected = trace_workload(trace, seed=0, count=2, rate=5.0)
    assert workload_from(parse(*words)) == expected
    assert workload_from(parse(*words, "--arrivals", "gamma:cv=3")) == trace_workload(
        trace, seed=0, count=2, rate=5.0, arrivals=Gamma(cv=3.0)
    )


def test_fixed_lengths_by_name() -> None:
    arguments = parse("--lengths", "fixed:prompt=5,output=6", "--requests", "3")
    made = make_workload(3, rate=3.0, seed=0, lengths=Fixed(5, 6), name="fixed")
    assert workload_from(arguments) == made
    assert settings_of(arguments)["lengths"] == "fixed:prompt=5,output=6"


def test_every_format_can_be_asked_for(trace: str) -> None:
    for name in formats.FORMATS:
        assert parse("--trace", trace, "--trace-format", name).trace_format == name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--trace", "TRACE"), "azure.csv has 2 requests, but 250 were asked for"),
        (("--trace", "TRACE", "--lengths", "sharegpt"), "give --trace or --lengths, not both"),
        (("--trace-format", "azure"), "--trace-format needs a --trace"),
        (
            ("--trace", "TRACE", "--requests", "2", "--arrivals", "poisson"),
            "drawn arrivals need a rate in requests/s (--rate)",
        ),
    ],
)
def test_contradictions_are_explained(trace: str, words: tuple[str, ...], message: str) -> None:
    arguments = parse(*(trace if word == "TRACE" else word for word in words))
    with pytest.raises(WorkloadError) as error:
        workload_from(arguments)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--rate", "-1"), "'-1' must be a number of requests/s above 0"),
        (("--seed", "1.5"), "'1.5' must be a whole number, 0 or more"),
        (("--ttft", "-1"), "'-1' must be a number of seconds, 0 to 86400"),
        (("--ttft", "nan"), "'nan' must be a number of seconds"),
        (("--ttft", "100000"), "'100000' must be a number of seconds, 0 to 86400"),
        (("--arrivals", "gama"), "unknown arrivals 'gama'; choose from: poisson, gamma:cv"),
        (("--arrivals", "gamma:cv=0"), "gamma: cv must be 0.01 to 100, not 0.0 (in 'gamma:cv=0')"),
        (("--readers", "dogs"), "unknown readers 'dogs'; choose from: reading[:programs"),
        (("--lengths", "sharegtp"), "unknown lengths 'sharegtp'; choose from: sharegpt,"),
        (("--lengths", "fixed:prompt=1"), "fixed needs output"),
        (("--trace-format", "parquet"), "invalid choice: 'parquet'"),
    ],
)
def test_wrong_words_are_explained(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(*words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_what_the_help_names_works() -> None:
    """The examples in the help texts are workloads."""
    for words in (
        "--arrivals poisson",
        "--arrivals gamma:cv=3",
        "--arrivals onoff:on=10,off=20",
        "--arrivals duty:intensity=2,duration=0.35,period=60",
        "--arrivals diurnal:amplitude=0.8,period=600",
        "--readers reading",
        "--readers speaking",
        "--readers reading:programs=0.2",
        "--readers mix:speaking=0.3,programs=0.1",
        "--lengths sharegpt",
        "--lengths multiround",
        "--lengths fixed:prompt=512,output=128",
    ):
        option, spec = words.split()
        assert spec in options._OPTIONS[option.removeprefix("--")]["help"]
        assert len(workload_from(parse(option, spec)).requests) == 250


def test_the_options_are_light_until_they_are_used() -> None:
    program = (
        "import argparse, sys\n"
        "from andes_backend.lab.workload.options import add_workload_options\n"
        "add_workload_options(argparse.ArgumentParser()); print('numpy' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert out.stdout.strip() == b"False"
