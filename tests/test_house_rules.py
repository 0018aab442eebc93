"""The rules that keep the house livable: layers, public names, a light import."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("andes_client", "andes_backend", "demos/andes_demos")
MODULES = sorted(
    path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py")
)
STDLIB = sys.stdlib_module_names | {"__future__"}


def imports(path: Path, *, at_run_time: bool = False) -> Iterator[str]:
    """Dotted names that a module imports; without those for the type checker if asked."""
    tree = ast.parse((ROOT / path).read_text())
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if at_run_time and id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute here"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)} - STDLIB


def ids(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]


def under(*places: str) -> list[Path]:
    return [path for path in MODULES if str(path).startswith(places)]


POLICY = under("andes_backend/policy/")
FORMULAS = under("andes_client/qoe.py", "andes_client/wire.py", "andes_client/expectation.py")


@pytest.mark.parametrize("path", POLICY, ids=ids(POLICY))
def test_policies_need_numpy_and_nothing_else(path: Path) -> None:
    assert roots(path) <= {"numpy", "andes_backend", "andes_client"}
    for name in imports(path):
        if name.startswith("andes_backend."):
            assert name.startswith(("andes_backend.policy", "andes_backend.config"))


@pytest.mark.parametrize("path", FORMULAS, ids=ids(FORMULAS))
def test_the_formulas_and_the_wire_need_the_standard_library_only(path: Path) -> None:
    assert roots(path) <= {"andes_client"}


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_only_the_engine_and_the_twin_import_vllm(path: Path) -> None:
    if not str(path).startswith(("andes_backend/engine/", "andes_backend/lab/twin/")):
        assert not roots(path) & {"vllm", "torch"}


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_the_wings_meet_in_three_modules(path: Path) -> None:
    """The backend imports from the client only what both must agree on; never the reverse."""
    names = {name for name in imports(path) if name.startswith("andes_")}
    if path.parts[0] == "andes_backend":
        shared = ("andes_client.expectation", "andes_client.qoe", "andes_client.wire")
        assert all(name.startswith(("andes_backend", *shared)) for name in names)
    if path.parts[0] == "andes_client":
        assert all(name.startswith("andes_client") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_only_the_pacer_sleeps(path: Path) -> None:
    if path.parts[0] != "andes_client" or path.name in ("pacer.py", "blocking.py", "testing.py"):
        return
    tree = ast.parse((ROOT / path).read_text())
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not names & {"sleep", "sleep_until", "sleep_forever"}


@pytest.mark.parametrize("path", MODULES, ids=ids(MODULES))
def test_public_names_are_listed_and_exist(path: Path) -> None:
    tree = ast.parse((ROOT / path).read_text())
    listed = None
    for node in tree.body:
        target = (
            node.targets[0]
            if isinstance(node, ast.Assign)
            else node.target
            if isinstance(node, ast.AnnAssign)
            else None
        )
        if isinstance(target, ast.Name) and target.id == "__all__":
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            listed = ast.literal_eval(node.value)
    if path.name == "__main__.py":
        return
    assert listed is not None, f"{path} has no __all__"
    assert listed == sorted(set(listed), key=listed.index), "a name is listed twice"
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    }
    assert defined <= set(listed), f"{path}: public, but not in __all__"


def test_importing_the_client_is_light() -> None:
    """No HTTP, UI or numeric library comes with it, nor any of asyncio's heavy friends."""
    program = "import sys, andes_client; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    loaded = {name.partition(".")[0] for name in out.split()}
    outsiders = {name for name in loaded - STDLIB if not name.startswith("_")}
    # Besides anyio and what it needs, the Unicode library.
    allowed = {"andes_client", "anyio", "idna", "regex", "sniffio", "typing_extensions"}
    assert not outsiders - allowed - _hooks()
    assert not loaded & {"httpx", "httpx2", "rich", "textual", "numpy", "torch", "vllm", "http"}


def _hooks() -> set[str]:
    """Modules that a bare interpreter of this environment loads by itself."""
    program = "import sys; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    return {name.partition(".")[0] for name in out.split()}


def test_the_backend_is_importable_without_vllm() -> None:
    program = "import sys; import andes_backend; assert 'vllm' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert importlib.util.find_spec("andes_backend") is not None
