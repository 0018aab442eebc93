"""What the documents say is so: their code runs, their commands and links exist.

A ```python block is run on the virtual clock, with `await` at its top level if it likes. A
comment `<!-- run with: NAME -->` before it runs `PREAMBLES[NAME]` first, for what a reader
would have of their own. A ```text block right after it, or after one line between, is what
it prints, to the letter.
"""

import ast
import contextlib
import importlib
import inspect
import io
import itertools
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from andes_client import cli
from andes_client.testing import VirtualClockLoop, run_virtual

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("findings/*.md")])

_IMPORTS = """
import json
import math
import anyio
from andes_client import Expectation, pace, reading
from andes_client.testing import scripted
"""
PREAMBLES = {
    "stream": "stream = scripted([(0.5, 'Une ligne.\\nEt une '), (2.0, 'autre.\\n')])",
    "slow_stream": "stream = scripted([(0.5, 'Some words here. '), (6.0, 'And some more now.')])",
    "markdown": """
stream = scripted([(0.1, "See [the d"), (0.4, "ocs](https://exam"), (0.4, "ple.org) **right "),
                   (0.3, "now**.")])
""",
    "long_answer": "stream = scripted([(0.2, 'word ' * 400)])",
    "broken_stream": """
async def broken():
    yield "All that had come"
    raise ConnectionError("the server is gone")
stream = broken()
""",
    "paced": """
paced = await pace(scripted([(0.0, "Some words. " * 50)]), reading()).__aenter__()
afterwards(paced.__aexit__(None, None, None))
""",
    "blocking": """
stream = iter(["Hello world"])
""",
    "web": """
def model():
    return scripted([(0.5, "Hello world")])
""",
}
# Run after a block, which by itself only defines something: (document, number) -> code.
SEQUELS = {
    ("README.md", 1): """
def handler(request):
    return httpx2.Response(200, text="Hello world")
async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
    await answer(client, "http://server.example/")
assert printed() == "Hello world\\nQoE: 1.0\\n", printed()
""",
    ("client.md", "web"): """
from types import SimpleNamespace
response = await answer(SimpleNamespace(query_params={"wpm": "238"}))
body = b"".join([chunk async for chunk in response.body_iterator])
assert body.startswith(b'data: {"text": "Hello"}\\n\\ndata: {"text": " world"}\\n\\n'), body
assert b"event: done" in body
""",
    ("web.md", "web"): """
from types import SimpleNamespace
where = json.loads((await ask(None)).body)["events"]
name = where.split("/")[1]
def asking(**asked):
    async def body():
        return asked
    return SimpleNamespace(path_params={"name": name}, json=body)
response = await events(asking())
chunks = response.body_iterator
assert b"Hello" in await anext(chunks)
for asked in ({"wpm": 476}, {"do": "pause"}, {"do": "resume"}, {"do": "reveal_all"}):
    assert (await control(asking(**asked))).status_code == 204
    assert answers[name].statistics().paused == (asked.get("do") == "pause")
    assert answers[name].statistics().speed == (math.inf if "all" in str(asked) else 2.0)
assert b"event: done" in b"".join([chunk async for chunk in chunks])
""",
}
_BLOCK = re.compile(
    r"(?:^<!-- run with: (?P<preamble>\w+) -->\n)?"
    r"^```python\n(?P<code>.*?)^```\n"
    r"(?:\n(?:[^\n`#]+\n\n)?```text\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s#]+)(?:#[^)]*)?\)")
_COMMAND = re.compile(r"(?:^ {4}|^|\| |`)andes ([a-z]+)([^\n`#|]*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of Python in a document."""

    document: str
    number: int
    preamble: str | None
    code: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.document}-{self.preamble or self.number}"


def blocks(document: Path) -> list[Block]:
    return [
        Block(document.name, number, match["preamble"], match["code"], match["output"])
        for number, match in enumerate(_BLOCK.finditer(document.read_text()), 1)
    ]


# Whole programs that talk to a server; tests/client/test_examples.py runs them against one.
EXAMPLES = {path.read_text(): path.name for path in (ROOT / "examples").glob("*_chat.py")}
BLOCKS = [
    block for document in DOCUMENTS for block in blocks(document) if block.code not in EXAMPLES
]


async def execute(code: str, name: str, names: dict[str, Any]) -> None:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    running = eval(compile(code, name, "exec", flags=flags), names)
    if inspect.isawaitable(running):
        await running


async def run_block(block: Block, out: io.StringIO) -> None:
    cleanups: list[Any] = []
    names: dict[str, Any] = {"afterwards": cleanups.append, "printed": out.getvalue}
    if block.preamble is not None:
        await execute(_IMPORTS + PREAMBLES[block.preamble], f"<{block.preamble}>", names)
    await execute(block.code, str(block), names)
    for key in (block.number, block.preamble):
        await execute(SEQUELS.get((block.document, key), ""), f"<after {block}>", names)
    for cleanup in cleanups:
        await cleanup


def test_the_examples_stand_in_the_readme_as_they_are() -> None:
    readme = {block.code for block in blocks(ROOT / "README.md")}
    assert {name for code, name in EXAMPLES.items() if code in readme} == {
        "openai_chat.py",
        "anthropic_chat.py",
    }


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_code_in_the_documents_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if "anyio.run(" in block.code or "run_virtual(" in block.code:
            # A whole program, which makes a loop of its own: on our clock as well.
            options = {"loop_factory": VirtualClockLoop}
            monkeypatch.setattr(anyio, "run", partial(anyio.run, backend_options=options))
            exec(compile(block.code, str(block), "exec"), {"__name__": "__main__"})
        else:
            run_virtual(run_block, block, out)
    if block.output is not None:
        assert out.getvalue().rstrip("\n") == block.output.rstrip("\n")


def test_no_block_of_python_is_missed() -> None:
    for document in DOCUMENTS:
        assert len(blocks(document)) == document.read_text().count("```python"), document
    assert len(blocks(ROOT / "docs" / "client.md")) >= 10
    used = {block.preamble for block in BLOCKS} - {None}
    assert used == set(PREAMBLES), "a preamble is not known, or not used"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text()):
        assert (document.parent / link).exists(), f"{document.name} links to {link}"


def commands() -> list[tuple[str, str, str]]:
    return [
        (document.name, match[1], match[2])
        for document in DOCUMENTS
        for match in _COMMAND.finditer(document.read_text())
    ]


@pytest.mark.parametrize(("document", "command", "options"), commands())
def test_commands_and_their_options_exist(
    document: str, command: str, options: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # `andes bench compare`, say: what comes before the options.
    subcommands = itertools.takewhile(re.compile("[a-z]+$").match, options.split())
    with pytest.raises(SystemExit) as left:
        cli.main([command, *subcommands, "--help"])
    assert left.value.code == 0, f"{document}: andes {command}"
    known = set(re.findall(r"--[a-z][a-z-]*", capsys.readouterr().out))
    assert set(re.findall(r"--[a-z][a-z-]*", options)) <= known


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_claim_of_the_comparison_names_a_test_that_exists() -> None:
    document = ROOT / "docs" / "comparison.md"
    named = re.findall(r"\[`(\w+)`\]\((\S+?\.py)\)", document.read_text())
    assert len(named) >= 25
    for test, link in named:
        file = (document.parent / link).resolve()
        assert file.is_relative_to(ROOT / "tests")
        assert test.startswith("test_")
        assert test in functions(file), f"{link} has no {test}"


def test_every_row_of_the_comparison_is_backed_by_a_test_or_says_no() -> None:
    lines = (ROOT / "docs" / "comparison.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]
    assert len(rows) >= 20
    for feature, ours, *theirs in rows:
        assert "(../tests/" in ours or ours.startswith("no: "), feature
        assert len(theirs) == 4, feature
        assert all(cell.strip() for cell in theirs), feature


@pytest.mark.parametrize(
    "module",
    ["", ".qoe", ".sources", ".testing", ".transport", ".web"],
    ids=lambda name: f"andes_client{name}",
)
def test_the_tour_shows_every_public_name(module: str) -> None:
    tour = (ROOT / "examples" / "api_tour.py").read_text()
    seen = set(re.findall(r"\w+", tour))
    public = set(importlib.import_module(f"andes_client{module}").__all__)
    assert public <= seen, f"examples/api_tour.py does not use {public - seen}"
