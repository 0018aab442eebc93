"""Our packages as the rules of the house see them: their modules, and what these import."""

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["PACKAGES", "Import", "Module", "circles", "import_graph", "modules_in"]

PACKAGES = ("andes_client", "andes_backend", "demos/andes_demos")
"""Folders, from the root of the repository."""

STANDARD_LIBRARY = sys.stdlib_module_names | {"__future__"}


@dataclass(frozen=True)
class Import:
    """One name that a module imports: `from a import b` is the name a.b."""

    name: str
    line: int
    for_types: bool
    """Whether only the type checker executes it."""

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    def is_from(self, *packages: str) -> bool:
        """Whether the name is one of these, or of theirs."""
        return any(f"{self.name}.".startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Module:
    """A source file; its text is parsed once, when it is first asked for."""

    path: Path
    place: str
    """The path from the root of the tree, with slashes."""

    @property
    def name(self) -> str:
        """As others import it: andes_client.wire."""
        parts = self.place.removeprefix("demos/").removesuffix(".py")
        return parts.removesuffix("/__init__").replace("/", ".")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), self.place)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """All of them: at the top, in functions, and for the type checker only."""
        for_types = {
            node
            for block in ast.walk(self.tree)
            if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
            for statement in block.body
            for node in ast.walk(statement)
        }
        return tuple(
            Import(name, node.lineno, node in for_types)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in _names(node)
        )

    @property
    def outsiders(self) -> Iterator[Import]:
        """Those from outside the standard library."""
        return (one for one in self.imports if one.root not in STANDARD_LIBRARY)

    def is_in(self, *places: str) -> bool:
        """Whether it is one of these files, or in one of these folders, which end in a slash."""
        return any(
            self.place.startswith(place) if place.endswith("/") else self.place == place
            for place in places
        )

    def at(self, line: int, what: str) -> str:
        """An offence, as an editor opens it."""
        return f"{self.place}:{line}: {what}"


def _names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        # A relative import keeps its dots; a rule is about them.
        source = "." * node.level + (f"{node.module}." if node.module else "")
        yield from (source + alias.name for alias in node.names)


def modules_in(root: Path) -> tuple[Module, ...]:
    """Every module of our packages under this root, in order."""
    paths = sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return tuple(Module(path, path.relative_to(root).as_posix()) for path in paths)


def import_graph(modules: Iterable[Module]) -> dict[str, dict[str, int]]:
    """For each module, the modules of ours that it names in its imports, and in which line.

    That Python executes the packages around an imported module, too, does not count.
    """
    by_name = {module.name: module for module in modules}
    graph: dict[str, dict[str, int]] = {name: {} for name in by_name}
    for name, module in by_name.items():
        for one in module.imports:
            target = _home(one.name, by_name)
            if target is not None and target != name:
                graph[name].setdefault(target, one.line)
    return graph


def _home(name: str, modules: Collection[str]) -> str | None:
    """The module that an imported name is, or is from; None for somebody else's."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name or None


def circles(graph: Mapping[str, Collection[str]]) -> list[list[str]]:
    """The sets of two or more nodes that each reach all others of their set; each in order."""
    reach = {node: _reached_from(node, graph) for node in graph}
    found = []
    left = set(graph)
    for node in sorted(graph):
        if node in left:
            circle = sorted({node} | {other for other in reach[node] if node in reach[other]})
            left.difference_update(circle)
            if len(circle) > 1:
                found.append(circle)
    return found


def _reached_from(start: str, graph: Mapping[str, Collection[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        new = set(graph[ahead.pop()]) - reached
        reached |= new
        ahead += new
    return reached
