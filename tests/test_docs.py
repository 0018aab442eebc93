"""What the documents say is so: their code runs, their commands and links exist.

A ```python block is run on the virtual clock, with `await` at its top level if it likes. A
comment `<!-- run with: NAME -->` before it runs `PREAMBLES[NAME]` first, for what a reader
would have of their own. A ```text block right after it, or after one line between, is what
it prints, to the letter.
"""

import ast
import asyncio
import contextlib
import importlib
import inspect
import io
import itertools
import re
from code import InteractiveConsole
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from markdown_it import MarkdownIt

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
    "http": "",  # the block brings its own imports
    "reporter": "",
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
    "paced_again": """
paced = await pace(scripted([(4.0, "Some words. " * 5)]), reading(), tick=0.5).__aenter__()
afterwards(paced.__aexit__(None, None, None))
class request:
    async def is_disconnected():
        return anyio.current_time() > 1.0
""",
    "generator": "stream = scripted([(0.5, 'Hello world')])",
    "foreign": "stream = scripted([(0.5, 'Hello '), (0.5, 'world')])",
    "partial": """
from andes_client.sources import Texts
async def so_far():
    for text in ("Sun", "Sunny and w", "Sunny and warm."):
        yield {"city": "Quito", "summary": text}
partials = so_far()
""",
    "wsgi": """
def model():
    yield "Hello world"
""",
    "blocking": """
stream = iter(["Hello world"])
""",
    "chunks": """
async def chunks():
    yield {"choices": [{"index": 0, "delta": {"content": "One half of"}}]}
    yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}
stream = chunks()
""",
    "voice": """
stream = scripted([(0.1, "The text is **shown** "), (0.5, "as it is heard. "), (2.0, "All of it.")])
async def voice(spoken):
    for word in spoken.split():
        yield b"\\x00\\x20" * 4_000 + b"\\x00\\x00" * 800
class player:
    ends = 0.0
    def play(pcm):
        player.ends = max(player.ends, anyio.current_time()) + len(pcm) / 32_000
        player.sound = getattr(player, "sound", 0.0) + len(pcm) / 32_000
    def position():
        return getattr(player, "sound", 0.0) - max(0.0, player.ends - anyio.current_time())
""",
    "web": """
def model():
    return scripted([(0.5, "Hello world")])
""",
}
# Run after a block, which by itself only defines something: (document, number) -> code.
SEQUELS: dict[tuple[str, int | str | None], str] = {
    ("client.md", "http"): """
def handler(request):
    return httpx2.Response(200, text="Hello world")
async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
    await answer(client, "http://server.example/")
assert printed() == "Hello world\\nQoE: 1.0\\n", printed()
""",
    ("sdks.md", "http"): """
def handler(request):
    line = b'{"message": {"content": "Hello"}, "done": true, "done_reason": "stop"}'
    return httpx2.Response(200, content=line, headers={"content-type": "application/x-ndjson"})
async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
    await answer(client, "http://server.example/api/chat", {})
assert printed().startswith("Hello\\n Ending(reason='complete'"), printed()
""",
    ("client.md", "reporter"): """
async def ask(extra_body):
    assert len(extra_body["vllm_xargs"]["andes_stream"]) == 22
    return scripted([(0.5, "Hello world")])
def handler(request):
    return httpx2.Response(404)
async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
    await answer(client, "http://server.example/v1", ask)
assert printed() == "Hello world", printed()
""",
    ("client.md", "web"): """
from types import SimpleNamespace
response = await answer(SimpleNamespace(query_params={"wpm": "238"}))
body = b"".join([chunk async for chunk in response.body_iterator])
assert body.startswith(b'data: {"text": "Hello"}\\n\\ndata: {"text": " world"}\\n\\n'), body
assert b"event: done" in body
""",
    ("client.md", "paced_again"): """
assert word == "", word
assert 1.0 < anyio.current_time() < 4.0
""",
    ("client.md", "generator"): """
assert [word async for word in answer(stream)] == ["Hello", " world"]
""",
    ("voice.md", "voice"): """
assert printed() == "The text is **shown** as it is heard. All of it.", printed()
assert anyio.current_time() > 11 * 0.25
""",
    ("client.md", "wsgi"): """
started = []
body = b"".join(answer({}, lambda *how: started.append(how)))
assert started[0][0] == "200 OK"
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
for asked in ({"wpm": 476}, {"visible": False}, {"do": "pause"}, {"do": "resume"},
              {"do": "reveal_all"}):
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
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)\s#]*)(?:#([^)\s]*))?\)")
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


@pytest.mark.parametrize(
    ("document", "example"),
    [("README.md", "openai_chat.py"), ("docs/client.md", "anthropic_chat.py")],
)
def test_the_examples_stand_in_the_documents_as_they_are(document: str, example: str) -> None:
    codes = {block.code for block in blocks(ROOT / document)}
    assert {EXAMPLES[code] for code in codes if code in EXAMPLES} == {example}


@pytest.fixture
def virtual_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that make an event loop of their own get one on the virtual clock."""
    options = {"loop_factory": VirtualClockLoop}
    monkeypatch.setattr(anyio, "run", partial(anyio.run, backend_options=options))

    def run(main: Coroutine[Any, Any, object]) -> object:
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            return runner.run(main)

    monkeypatch.setattr(asyncio, "run", run)


@pytest.mark.usefixtures("virtual_runs")
@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_code_in_the_documents_runs(block: Block) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if re.search(r"\b(anyio\.run|asyncio\.run|run_virtual)\(", block.code):
            exec(compile(block.code, str(block), "exec"), {"__name__": "__main__"})
        else:
            run_virtual(run_block, block, out)
    if block.output is not None:
        assert out.getvalue().rstrip("\n") == block.output.rstrip("\n")


class Prints(io.StringIO):
    """What was printed, and when each word was: seconds on the running loop's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def write(self, text: str) -> int:
        if text.strip():
            self.times.append(asyncio.get_running_loop().time())
        return super().write(text)


@pytest.mark.usefixtures("virtual_runs")
def test_the_first_example_of_the_readme_can_be_pasted_and_prints_paced_text() -> None:
    """Line by line into Python's own prompt: a block that a blank line cuts short fails."""
    first = blocks(ROOT / "README.md")[0].code
    prompt, printed = InteractiveConsole(), Prints()
    errors = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        for line in first.splitlines():
            unfinished = prompt.push(line)
    assert not errors.getvalue()
    assert not unfinished

    said = ast.literal_eval(re.findall(r"for text in (\(.*\)):", first)[0])
    assert printed.getvalue() == "".join(said)
    # Two bursts, and yet no two words at once: at 238 words a minute, word by word.
    assert len(printed.times) == len(printed.getvalue().split()) > 10
    pauses = [after - before for before, after in itertools.pairwise(printed.times)]
    assert min(pauses) > 0.1
    assert sum(pauses) / len(pauses) == pytest.approx(60 / 238, rel=0.2)


def test_the_first_example_of_the_readme_has_ten_lines() -> None:
    first = blocks(ROOT / "README.md")[0].code
    assert len([line for line in first.splitlines() if line.strip()]) <= 10


def prose(document: Path) -> str:
    """A document without its code, its links' addresses and its tables' lines."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"\]\([^)]*\)|^\|[-|]+\|$", "]", text, flags=re.MULTILINE)


def test_the_readme_is_a_front_door_and_not_the_house() -> None:
    words = [word for word in prose(ROOT / "README.md").split() if re.search(r"\w", word)]
    assert len(words) <= 600


def test_the_figures_of_the_readme_are_those_of_the_pages_behind_it() -> None:
    gained = (ROOT / "README.md").read_text().partition("## What you gain")[2].partition("\n## ")[0]
    figures = re.findall(r"\d+\.\d+|\d{2,}", gained)
    assert len(figures) >= 9
    pages = [(ROOT / "docs" / name).read_text() for name in ("bench.md", "reproduction.md")]
    stand = set(re.findall(r"\d+(?:\.\d+)?", "\n".join(pages)))
    assert set(figures) <= stand, f"not in docs/: {set(figures) - stand}"


def test_the_benchmark_takes_as_long_on_every_page() -> None:
    for page in ("README.md", "Makefile", "docs/bench.md"):
        assert "45 to 60 minutes" in (ROOT / page).read_text(), page


def test_no_block_of_python_is_missed() -> None:
    for document in DOCUMENTS:
        assert len(blocks(document)) == document.read_text().count("```python"), document
    assert len(blocks(ROOT / "docs" / "client.md")) >= 10
    used = {block.preamble for block in BLOCKS} - {None}
    assert used == set(PREAMBLES), "a preamble is not known, or not used"


def sections(document: Path) -> set[str]:
    """The names of its headings in links, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one).strip().lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for link, section in _LINK.findall(document.read_text()):
        target = document.parent / link if link else document
        assert target.exists(), f"{document.name} links to {link}"
        if section and target.suffix == ".md":
            assert section in sections(target), f"{document.name} links to {link}#{section}"


def misread(text: str) -> list[str]:
    """Lines that a renderer takes for something else than their author meant."""
    lines, wrong = text.splitlines(), []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.map is None:
            continue
        first = lines[token.map[0]]
        if token.type == "paragraph_open" and first.startswith("|"):
            wrong.append(f"no row of a table: {first[:60]}")
        before = lines[token.map[0] - 1] if token.map[0] else ""
        begins = token.type.endswith("_list_open") and token.level == 0
        if begins and before.strip() and not before.startswith(("#", "<!--")):
            wrong.append(f"no item of a list: {first[:60]}")
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_and_lists_are_read_as_they_were_meant(document: Path) -> None:
    assert not misread(document.read_text())


def test_a_table_cut_in_two_and_a_number_that_begins_a_line_are_found() -> None:
    assert len(misread("| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n")) == 1
    assert len(misread("It exits with status\n1. The other points go on.\n")) == 1
    assert misread("## A list\n- one\n\n1. two\n\n| a |\n|---|\n| 3 |\n") == []


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
    ["", ".qoe", ".sources", ".testing", ".transport", ".voice", ".web"],
    ids=lambda name: f"andes_client{name}",
)
def test_the_tour_shows_every_public_name(module: str) -> None:
    tour = (ROOT / "examples" / "api_tour.py").read_text()
    seen = set(re.findall(r"\w+", tour))
    public = set(importlib.import_module(f"andes_client{module}").__all__)
    assert public <= seen, f"examples/api_tour.py does not use {public - seen}"
