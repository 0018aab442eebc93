"""The rules that keep the house livable: layers, public names, light imports.

A rule is a function that yields offences, each with its file and line, so that one run lists
everything that is to be put right. `ON_TRIAL` has an offence against each of them.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.house import PACKAGES, Module, circles, import_graph, modules_in

ROOT = Path(__file__).parent.parent
MODULES = modules_in(ROOT)

Rule = Callable[[Sequence[Module]], Iterator[str]]

SHARED = (
    "andes_client.expectation",
    "andes_client.qoe",
    "andes_client.terminal_text",
    "andes_client.wire",
)
"""Where the wings meet."""

SAFE_CONSOLE = "andes_backend/lab/campaign/console.py"

VLLM_IS_IMPORTED_IN = (
    "andes_backend/engine/",
    "andes_backend/lab/twin/engine.py",
    "andes_backend/lab/twin/scheduler.py",
    "andes_backend/lab/twin/record.py",
    "andes_backend/lab/twin/kv_restore.py",
)
"""The adapter, and what runs vLLM's scheduler on a virtual clock."""


def policies_need_numpy_and_nothing_else(modules: Sequence[Module]) -> Iterator[str]:
    """And of ours, only their settings and what the wings share."""
    allowed = ("numpy", "andes_backend.policy", "andes_backend.config", "andes_client")
    for module in modules:
        if module.is_in("andes_backend/policy/"):
            for one in module.outsiders:
                if not one.is_from(*allowed):
                    yield module.at(one.line, f"a policy imports {one.name}")


def routing_needs_the_standard_library_only(modules: Sequence[Module]) -> Iterator[str]:
    """A live router runs it, in a process that has nothing else of a server."""
    for module in modules:
        if module.is_in("andes_backend/routing/"):
            for one in module.outsiders:
                if not one.is_from("andes_backend.routing"):
                    yield module.at(one.line, f"routing imports {one.name}")


def the_formulas_and_the_wire_need_the_standard_library_only(
    modules: Sequence[Module],
) -> Iterator[str]:
    paths = [name.replace(".", "/") for name in SHARED]
    formulas = [f"{path}.py" for path in paths] + [f"{path}/" for path in paths]
    for module in modules:
        if module.is_in(*formulas):
            for one in module.outsiders:
                if not one.is_from("andes_client"):
                    yield module.at(one.line, f"a formula imports {one.name}")


def only_the_engine_and_the_twin_import_vllm(modules: Sequence[Module]) -> Iterator[str]:
    """And torch: whatever else there is works where vLLM is not installed."""
    for module in modules:
        if not module.is_in(*VLLM_IS_IMPORTED_IN):
            for one in module.imports:
                if one.is_from("vllm", "torch"):
                    yield module.at(one.line, f"imports {one.name}")


def the_server_half_imports_nothing_of_the_laboratory(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        if module.is_in("andes_backend/") and not module.is_in("andes_backend/lab/"):
            for one in module.imports:
                if one.is_from("andes_backend.lab"):
                    yield module.at(one.line, f"what a server needs imports {one.name}")


def the_wings_meet_in_few_modules(modules: Sequence[Module]) -> Iterator[str]:
    """The backend imports from the client only what both must do alike; never the reverse."""
    may_import = {
        "andes_backend/": ("andes_backend", *SHARED),
        "andes_client/": ("andes_client",),
    }
    for module in modules:
        for wing, allowed in may_import.items():
            if module.is_in(wing):
                for one in module.imports:
                    if one.root.startswith("andes_") and not one.is_from(*allowed):
                        yield module.at(one.line, f"imports {one.name} of the other wing")


def only_the_pacer_sleeps(modules: Sequence[Module]) -> Iterator[str]:
    """In the client: its nap, the pacer for plain iterators, and the clock that jumps."""
    sleepers = ("andes_client/nap.py", "andes_client/blocking.py", "andes_client/testing.py")
    for module in modules:
        if module.is_in("andes_client/") and not module.is_in(*sleepers):
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Attribute) and node.attr in (
                    "sleep",
                    "sleep_until",
                    "sleep_forever",
                ):
                    yield module.at(node.lineno, f"{ast.unparse(node)} outside the pacer")


def public_names_are_listed(modules: Sequence[Module]) -> Iterator[str]:
    """Each once, in `__all__`, of every module but those that are only programs."""
    for module in modules:
        if module.path.name == "__main__.py":
            continue
        line, listed = _listed(module.tree)
        if listed is None:
            yield module.at(1, "has no __all__")
            continue
        for name in sorted({name for name in listed if listed.count(name) > 1}):
            yield module.at(line, f"__all__ lists {name} twice")
        for node in module.tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and node.name not in listed
            ):
                yield module.at(node.lineno, f"{node.name} is public, but not in __all__")


def _listed(tree: ast.Module) -> tuple[int, list[str] | None]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                return node.lineno, ast.literal_eval(value)
    return 1, None


def imports_are_absolute(modules: Sequence[Module]) -> Iterator[str]:
    for module in modules:
        for one in module.imports:
            if one.name.startswith("."):
                yield module.at(one.line, f"imports {one.name}, relative to itself")


def imports_run_in_no_circle(modules: Sequence[Module]) -> Iterator[str]:
    """Nor those for the type checker: modules in a circle are understood all at once or not."""
    graph = import_graph(modules)
    by_name = {module.name: module for module in modules}
    for circle in circles(graph):
        steps = (
            by_name[name].at(graph[name][other], f"imports {other}")
            for name in circle
            for other in circle
            if other in graph[name]
        )
        yield "a circle:\n    " + "\n    ".join(steps)


def what_the_backend_prints_does_not_act(modules: Sequence[Module]) -> Iterator[str]:
    """A name from a server or a file is no markup, and its escape sequences are seen."""
    for module in modules:
        if not module.is_in("andes_backend/") or module.is_in(SAFE_CONSOLE):
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            made = ast.unparse(node.func).rpartition(".")[2]
            if made == "Console":
                yield module.at(node.lineno, "prints with a Console that is no SafeConsole")
            if made == "TextColumn" and "markup=False" not in ast.unparse(node):
                yield module.at(node.lineno, "a column takes brackets for markup")


ON_TRIAL: dict[Rule, tuple[dict[str, str], list[str]]] = {
    what_the_backend_prints_does_not_act: (
        {
            "andes_backend/good.py": (
                "console = SafeConsole()\nTextColumn('{name}', markup=False)\n"
                "def show(console: Console) -> None: ...\n"
            ),
            "andes_backend/bad.py": "rich.console.Console(width=9)\nTextColumn('{name}')\n",
            SAFE_CONSOLE: "Console()\n",
        },
        [
            "andes_backend/bad.py:1: prints with a Console that is no SafeConsole",
            "andes_backend/bad.py:2: a column takes brackets for markup",
        ],
    ),
    policies_need_numpy_and_nothing_else: (
        {
            "andes_backend/policy/good.py": (
                "import math\nimport numpy as np\nfrom andes_client import qoe\n"
                "from andes_backend.config import AndesConfig\n"
            ),
            "andes_backend/policy/bad.py": (
                "import scipy.optimize\n\nfrom andes_backend.engine import ledger\n"
            ),
        },
        [
            "andes_backend/policy/bad.py:1: a policy imports scipy.optimize",
            "andes_backend/policy/bad.py:3: a policy imports andes_backend.engine.ledger",
        ],
    ),
    routing_needs_the_standard_library_only: (
        {
            "andes_backend/routing/good.py": "from andes_backend.routing.figures import BANDS\n",
            "andes_backend/routing/bad.py": "import numpy\nfrom andes_backend import config\n",
        },
        [
            "andes_backend/routing/bad.py:1: routing imports numpy",
            "andes_backend/routing/bad.py:2: routing imports andes_backend.config",
        ],
    ),
    the_formulas_and_the_wire_need_the_standard_library_only: (
        {
            "andes_client/wire/hints.py": "import json\nfrom andes_client.qoe import qoe\n",
            "andes_client/wire/batch.py": "import json\nimport httpx\n",
            "andes_client/qoe.py": "import numpy\n",
            "andes_client/pacer.py": "import anyio\n",
        },
        [
            "andes_client/qoe.py:1: a formula imports numpy",
            "andes_client/wire/batch.py:2: a formula imports httpx",
        ],
    ),
    only_the_engine_and_the_twin_import_vllm: (
        {
            "andes_backend/engine/scheduler.py": "from vllm.v1.request import Request\n",
            "andes_backend/lab/twin/engine.py": "import vllm\n",
            "andes_backend/gateway.py": "import vllm_router\n\ndef late():\n    import torch\n",
            "andes_backend/lab/twin/fair.py": "from vllm import SamplingParams\n",
        },
        [
            "andes_backend/gateway.py:4: imports torch",
            "andes_backend/lab/twin/fair.py:1: imports vllm.SamplingParams",
        ],
    ),
    the_server_half_imports_nothing_of_the_laboratory: (
        {
            "andes_backend/__init__.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                "    from andes_backend.lab.twin import engine\n"
            ),
            "andes_backend/doctor/command.py": "from andes_backend import label, lab\n",
            "andes_backend/lab/plan/answer.py": "from andes_backend.lab.twin import engine\n",
        },
        [
            "andes_backend/__init__.py:3: what a server needs imports"
            " andes_backend.lab.twin.engine",
            "andes_backend/doctor/command.py:1: what a server needs imports andes_backend.lab",
        ],
    ),
    the_wings_meet_in_few_modules: (
        {
            "andes_backend/config.py": "from andes_client import wire\nimport andes_client.pacer\n",
            "andes_client/qoe.py": "from andes_backend.policy import value\n",
            "demos/andes_demos/chat.py": "import andes_client, andes_backend\n",
        },
        [
            "andes_backend/config.py:2: imports andes_client.pacer of the other wing",
            "andes_client/qoe.py:1: imports andes_backend.policy.value of the other wing",
        ],
    ),
    only_the_pacer_sleeps: (
        {
            "andes_client/nap.py": "import anyio\nanyio.sleep(1)\n",
            "andes_client/transport.py": "import time\ntime.sleep(1)\n",
        },
        ["andes_client/transport.py:2: time.sleep outside the pacer"],
    ),
    public_names_are_listed: (
        {
            "andes_client/good.py": "__all__ = ['f']\ndef f(): ...\ndef _g(): ...\n",
            "andes_client/none.py": "def f(): ...\n",
            "andes_client/twice.py": "import os\n__all__: list[str] = ['f', 'f']\n",
            "andes_client/unlisted.py": "__all__ = []\nclass C: ...\n",
            "andes_client/__main__.py": "def main(): ...\n",
        },
        [
            "andes_client/none.py:1: has no __all__",
            "andes_client/twice.py:2: __all__ lists f twice",
            "andes_client/unlisted.py:2: C is public, but not in __all__",
        ],
    ),
    imports_are_absolute: (
        {"andes_client/qoe.py": "import math\nfrom . import wire\nfrom .wire import encode\n"},
        [
            "andes_client/qoe.py:2: imports .wire, relative to itself",
            "andes_client/qoe.py:3: imports .wire.encode, relative to itself",
        ],
    ),
    imports_run_in_no_circle: (
        {
            "andes_client/__init__.py": "from andes_client.a import A\n",
            "andes_client/a.py": "def late():\n    from andes_client import b\n",
            "andes_client/b.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                "    from demos_of_others import D\nelse:\n    from andes_demos.c import C\n"
            ),
            "demos/andes_demos/c.py": (
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
                "    from andes_client.a import A\n"
            ),
            "demos/andes_demos/d.py": "from andes_demos.c import C\n",
        },
        [
            "a circle:\n"
            "    andes_client/a.py:2: imports andes_client.b\n"
            "    andes_client/b.py:5: imports andes_demos.c\n"
            "    demos/andes_demos/c.py:3: imports andes_client.a"
        ],
    ),
}


@pytest.mark.parametrize("rule", ON_TRIAL, ids=lambda rule: rule.__name__)
def test_nothing_offends_against_the_rule(rule: Rule) -> None:
    offences = list(rule(MODULES))
    assert not offences, "\n" + "\n".join(offences)


@pytest.mark.parametrize("rule", ON_TRIAL, ids=lambda rule: rule.__name__)
def test_the_rule_finds_who_offends_against_it(rule: Rule, tmp_path: Path) -> None:
    sources, offences = ON_TRIAL[rule]
    for place, source in sources.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    assert list(rule(modules_in(tmp_path))) == offences


def test_the_rules_are_asked_of_every_package() -> None:
    """A package that was moved would offend against nothing."""
    for package in PACKAGES:
        assert any(module.is_in(f"{package}/") for module in MODULES), package
    for place in (*VLLM_IS_IMPORTED_IN, SAFE_CONSOLE):
        assert any(module.is_in(place) for module in MODULES), place


HEAVY = {"http", "httpx", "httpx2", "matplotlib", "rich", "scipy", "textual", "torch", "vllm"}
READING = {"andes_client.buffer", "andes_client.pacer", "andes_client.segment"}


@pytest.mark.parametrize(
    ("statement", "outsiders", "ours_left_out"),
    [
        ("import andes_client", set(), READING),
        # A server needs these; it does not pay for the pacer and its Unicode tables.
        ("from andes_client import expectation, qoe, wire", set(), READING),
        ("import andes_backend", set(), READING | {"andes_backend.lab"}),
        ("import andes_backend.doctor.command", set(), READING | {"andes_backend.lab"}),
        ("import andes_backend.serve_command", set(), READING | {"andes_backend.lab"}),
        ("import andes_backend.routing", set(), READING | {"andes_backend.lab"}),
        ("import andes_backend.policy", {"numpy"}, READING | {"andes_backend.lab"}),
        # Besides anyio and what it needs, the Unicode library.
        (
            "from andes_client import pace, pace_blocking",
            {"anyio", "idna", "regex", "sniffio", "typing_extensions"},
            set[str](),
        ),
    ],
)
def test_an_import_is_light(statement: str, outsiders: set[str], ours_left_out: set[str]) -> None:
    """No more libraries of others are loaded than these, and those modules of ours are not."""
    loaded = _loaded_by(statement)
    ours = {package.rpartition("/")[2] for package in PACKAGES}
    roots = {name.partition(".")[0] for name in loaded}
    assert roots & ours
    assert roots - ours - sys.stdlib_module_names <= outsiders
    assert not roots & HEAVY
    assert not loaded & ours_left_out


def _loaded_by(statement: str) -> set[str]:
    """Modules that a new interpreter has after the statement and did not have before."""
    program = (
        "import sys; before = set(sys.modules)\n"
        f"{statement}\n"
        "print('\\n'.join(set(sys.modules) - before))"
    )
    return set(
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_a_thread_that_hangs_does_not_keep_the_tests_from_their_end() -> None:
    """A process waits at its end for every thread that is no daemon, and no deadline ends that."""
    offences = [
        f"{path.relative_to(ROOT)}:{node.lineno}: a thread without daemon=True"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("Thread", "threading.Thread")
        and not any(keyword.arg == "daemon" for keyword in node.keywords)
    ]
    assert not offences, "\n" + "\n".join(offences)
