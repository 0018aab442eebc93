"""The doctor and a real vLLM, whole, broken in several ways, or of another release."""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs

from andes_backend.config import AndesConfig
from andes_backend.doctor import examine as examination
from andes_backend.doctor import readers
from andes_backend.doctor.examine import Examined, examine
from andes_backend.doctor.finding import BETTER, OK, PROBLEM, Finding
from andes_backend.doctor.flags import check_flags
from andes_backend.doctor.installation import check_installation
from andes_backend.engine import metrics, releases, tally
from tests import forked

pytestmark = pytest.mark.slow  # each asks a process that imports vLLM

ANDES = '{"andes": {"policy": "qoe", "horizon_s": 3}}'


def by_topic(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.topic: finding for finding in findings}


@pytest.fixture(scope="module")
def good(tiny_model: Path) -> Examined:
    """A look at this environment, with flags as an operator has them."""
    return examine(
        [
            str(tiny_model),
            *("--scheduler-cls", "andes_backend.AndesScheduler", "--additional-config", ANDES),
            *("--max-num-seqs", "96", "--no-enable-prefix-caching", "--kv_offloading_size=4"),
            *("--kv-transfer-config", '{"kv_connector_extra_config": {"offload_prompt_only": 0}}'),
        ]
    )


def test_this_installation_is_all_right(good: Examined) -> None:
    found = by_topic(check_installation(good))
    assert {finding.level for finding in found.values()} == {OK}
    assert set(found) == {"Andes", "Python", "vLLM", "GPU", "release", "scheduler", "plug-in"}


def test_flags_are_read_as_vllm_reads_them(good: Examined) -> None:
    found = by_topic(check_flags(good))
    assert found["flags"].level == OK
    assert found["settings"].what == "policy = qoe, horizon_s = 3"
    assert found["batch"].what == "up to 96 requests at a time"
    assert found["prefix caching"].do == "Drop --no-enable-prefix-caching."
    resolved = good.get("resolved")
    assert resolved is not None
    # One key of the extra config does not take the place of the others.
    assert resolved["kv_extra"] == {"offload_prompt_only": 0, "cpu_bytes_to_use": 4 * 2**30}
    if not (good.get("vllm") or {})["offloads"]:
        assert found["KV offload"].level == PROBLEM  # the server would not start, and does not


def test_a_wrong_flag_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_run", run_forked)
    found = by_topic(check_flags(examine(["no/model", "--max-num-seqz", "3"])))
    assert list(found) == ["flags"]
    assert "--max-num-seqz" in found["flags"].what


def run_forked(command: list[str], _output: object) -> str:
    """How the probe ended, whose process was not started but forked."""
    python, _, *words = command  # -P: where it looks for modules, which it has
    status = forked.run([python, *words]).returncode
    return f"status {status}" if status else ""


def broken(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Finding]:
    """What is found where `vllm` is this program."""
    (folder / "vllm").mkdir(exist_ok=True)
    (folder / "vllm" / "__init__.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return by_topic(check_installation(examine()))


def test_a_vllm_that_ends_its_process_does_not_end_the_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import os, sys; print('what it said', flush=True); os.abort()"
    finding = broken(tmp_path, program, monkeypatch)["vLLM"]
    assert finding.level == PROBLEM
    assert "killed by signal 6" in finding.what
    assert "what it said" in finding.what


def test_a_vllm_that_cannot_be_imported_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "raise RuntimeError('operator torchvision::nms does not exist')"
    finding = broken(tmp_path, program, monkeypatch)["vLLM"]
    assert finding.level == PROBLEM
    assert "torchvision::nms" in finding.what
    assert finding.do.startswith("torchvision does not match this torch")


def test_a_vllm_without_what_we_build_on_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platforms = (
        "class current_platform:\n"
        "    device_type = 'cuda'\n"
        "    is_cpu = is_cuda_alike = is_xpu = staticmethod(lambda: True)\n"
    )
    program = "__version__ = '0.99.0'"
    (tmp_path / "vllm").mkdir()
    (tmp_path / "vllm" / "platforms.py").write_text(platforms)
    found = broken(tmp_path, program, monkeypatch)
    assert found["release"].level == PROBLEM
    assert "but this is 0.99.0" in found["release"].what
    assert found["scheduler"].level == PROBLEM
    assert found["plug-in"].level == PROBLEM
    assert found["GPU"].level == PROBLEM  # the platform is CUDA's, and there is none
    monkeypatch.setenv("ANDES_ANY_VLLM", "1")  # somebody insists
    found = broken(tmp_path, program, monkeypatch)
    assert "vLLM 0.99.0 lacks what the scheduler needs" in found["release"].what


def test_a_release_that_is_not_tested_says_what_to_do() -> None:
    refusal = {"error": "RuntimeError: andes_backend is tested with 0.32, but this is 0.99"}
    machine = {"version": "0.99.0", "place": "here", "platform": "cpu", "gpus": []}
    tested = {"tested": ["0.32"]}
    for version, level in ((refusal, PROBLEM), (tested, BETTER)):
        found = by_topic(check_installation(Examined({"vllm": machine, "version": version})))
        assert found["release"].level == level
        assert found["release"].flags == releases.INSTALL


def test_there_may_be_no_vllm() -> None:
    found = by_topic(check_installation(None))
    assert found["vLLM"].level == PROBLEM
    assert found["vLLM"].flags == "pip install 'andes-streaming[server]'"


def test_the_doctor_reads_the_metrics_that_the_engine_has() -> None:
    """It spells their names itself, as it must do without vLLM."""
    read = set(re.findall(r'"andes:(\w+?)(?:_total|_sum|_count|_bucket)?"', source_of(readers)))
    assert len(read) >= 6
    assert read <= set(re.findall(r'"(\w+)"', source_of(metrics)))
    for label in re.findall(r'(?:hint|reason)="(\w+)"', source_of(readers)):
        assert label in (*tally.HINTS, *tally.FALLBACKS)


def test_the_page_gives_ray_arguments_that_vllm_has() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "ray.md"
    block = page.read_text().partition("engine_kwargs={\n")[2].partition("        },\n")[0]
    names = re.findall(r'^ {12}"(\w+)":', block, re.MULTILINE)
    assert {"scheduler_cls", "additional_config"} <= set(names)
    config = re.findall(r'"additional_config": (\{.*\}),', block)
    AndesConfig.from_mapping(ast.literal_eval(config[0])["andes"])
    # As Ray checks them, in VLLMEngineConfig.from_llm_config.
    assert set(names) <= {field.name for field in fields(AsyncEngineArgs)}


def source_of(module: ModuleType) -> str:
    return Path(module.__file__ or "").read_text()
