"""What is published: the sdist builds and holds everything, the wheel runs beside anybody's files.

The sdist is built from this tree, and the wheel from the sdist, as a release does. The wheel is
then installed into an environment of its own. What it depends on is taken from this environment,
so nothing is downloaded.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
PACKAGES = {name: ROOT / name for name in ("andes_client", "andes_backend")} | {
    "andes_demos": ROOT / "demos" / "andes_demos"
}


@dataclass(frozen=True)
class Release:
    """What a release publishes.

    Attributes:
        sdist: the unpacked source distribution.
        wheel: the wheel that was built from it.
    """

    sdist: Path
    wheel: Path

    def files(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    def read(self, name: str) -> str:
        """A file of the wheel's metadata."""
        (path,) = [path for path in self.files() if path.endswith(f".dist-info/{name}")]
        with zipfile.ZipFile(self.wheel) as archive:
            return archive.read(path).decode()

    def metadata(self) -> Message:
        return Parser().parsestr(self.read("METADATA"))

    def description(self) -> str:
        """The long description, as Markdown."""
        return str(self.metadata().get_payload())

    def commands(self) -> list[str]:
        points = ConfigParser()
        points.read_string(self.read("entry_points.txt"))
        return sorted(points["andes.commands"])


def build(target: str, source: Path, place: Path) -> Path:
    """Build the sdist or the wheel of a source tree into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(place)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = place.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return built


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    place = tmp_path_factory.mktemp("release")
    with tarfile.open(build("sdist", ROOT, place)) as archive:
        archive.extractall(place, filter="data")
    (sdist,) = (path for path in place.iterdir() if path.is_dir())
    return Release(sdist, build("wheel", sdist, place))


def tree(place: Path) -> set[str]:
    """The files below a folder, without what Python leaves there."""
    return {
        str(path.relative_to(place))
        for path in place.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


class TestSourceDistribution:
    def test_it_is_the_repository_and_nothing_else(self, release: Release) -> None:
        """It can build, test and document itself; no environment, results or caches are in it."""
        if not (ROOT / ".git").exists():
            pytest.skip("not a checkout: there is nothing to compare with")
        list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(list_files, cwd=ROOT, check=True, capture_output=True, text=True)
        repository = {name for name in listed.stdout.split("\0") if (ROOT / name).is_file()}
        assert tree(release.sdist) - {"PKG-INFO"} == repository

    def test_its_scripts_can_be_run(self, release: Release) -> None:
        for script in (".ci/run", "scripts/setup", "scripts/chromium", "scripts/espeak"):
            assert os.access(release.sdist / script, os.X_OK), script


class TestWheel:
    def test_it_has_the_three_packages_whole_and_nothing_else(self, release: Release) -> None:
        expected = {
            f"{package}/{name}" for package, place in PACKAGES.items() for name in tree(place)
        }
        assert {name for name in release.files() if ".dist-info/" not in name} == expected

    def test_data_files_are_in_it(self, release: Release) -> None:
        """By name, as the test above would not notice that one is gone from the tree, too."""
        assert release.files() >= {
            "andes_backend/profiles/opt-66b-4xa100.json",
            "andes_demos/chat/chat.tcss",
            "andes_demos/chat/guide.md",
            "andes_demos/scenarios/demo.tcss",
            "andes_demos/text.txt",
            "andes_demos/web/static/index.html",
            "andes_demos/web/templates/app_index.html",
            *(f"{package}/py.typed" for package in PACKAGES),
        }

    def test_entry_points_lead_to_modules_in_it(self, release: Release) -> None:
        points = ConfigParser()
        points.read_string(release.read("entry_points.txt"))
        modules = {
            value.partition(":")[0].replace(".", "/") + ".py"
            for group in points.sections()
            for value in points[group].values()
        }
        assert len(modules) >= 15
        assert modules <= release.files()

    def test_its_licence_is_in_it(self, release: Release) -> None:
        assert release.metadata()["License-Expression"] == "Apache-2.0"
        assert release.read("licenses/LICENSE") == (ROOT / "LICENSE").read_text()


def tokens(markdown: str) -> Iterator[Token]:
    """All parts of a text, at any depth."""
    waiting = MarkdownIt("commonmark").enable("table").parse(markdown)
    while waiting:
        token = waiting.pop()
        yield token
        waiting += token.children or []


def addresses(markdown: str) -> set[str]:
    """Where the links and pictures of a text lead."""
    found = {
        str(token.attrs[name])
        for token in tokens(markdown)
        for name in ("href", "src")
        if name in token.attrs
    }
    html = "".join(token.content for token in tokens(markdown) if token.type.startswith("html_"))
    return found | set(re.findall(r"""(?:href|src|srcset)\s*=\s*["']?([^"'\s>]+)""", html))


class TestLongDescription:
    """What PyPI shows: README.md without the files beside it."""

    def test_it_is_the_readme_but_for_addresses(self, release: Release) -> None:
        assert release.metadata()["Description-Content-Type"] == "text/markdown"
        readme = (ROOT / "README.md").read_text()
        shown, written = (list(tokens(text)) for text in (release.description(), readme))
        assert [token.type for token in shown] == [token.type for token in written]
        assert [token.content for token in shown if token.type in ("text", "fence")] == [
            token.content for token in written if token.type in ("text", "fence")
        ]

    def test_no_address_is_relative(self, release: Release) -> None:
        found = addresses(release.description())
        assert len(found) >= 5
        assert {address for address in found if not address.startswith("https://")} == set()

    def test_addresses_lead_to_files_of_this_release(self, release: Release) -> None:
        metadata = release.metadata()
        (repository,) = (
            value.partition(", ")[2]
            for value in metadata.get_all("Project-URL", [])
            if value.startswith("Repository, ")
        )
        path, version = repository.removeprefix("https://github.com/"), metadata["Version"]
        places = (
            f"{repository}/blob/v{version}/",
            f"https://raw.githubusercontent.com/{path}/v{version}/",
        )
        found = addresses(release.description())
        files = [
            address.removeprefix(place).partition("#")[0]
            for address in found
            for place in places
            if address.startswith(place)
        ]
        links = addresses((ROOT / "README.md").read_text())
        relative = {link for link in links if not re.match("https?:", link)}
        assert len(files) == len(relative) > 0
        assert [name for name in files if not (ROOT / name).is_file()] == []


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, used in a folder that has a package `demos`."""

    scripts: Path
    folder: Path

    def run(self, *command: str, typed: bytes = b"") -> str:
        """What a command prints; it has to succeed, and to say nothing on standard error."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
        }
        program, *words = command
        done = subprocess.run(
            [self.scripts / program, *words],
            cwd=self.folder,
            env=environment,
            input=typed,
            capture_output=True,
        )
        assert (done.returncode, done.stderr.decode()) == (0, ""), command
        return done.stdout.decode()


def make_environment(place: Path) -> Sequence[str]:
    """Make an empty environment; returns the beginning of a command that installs into it."""
    uv = shutil.which("uv") or ROOT / ".uv" / "bin" / "uv"
    if not Path(uv).exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        return [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    # In a tenth of the time.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    return [str(uv), "pip", "install", "--quiet", "--no-cache", "--python", str(place)]


@pytest.fixture(scope="session")
def installed(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("installed")
    environment, folder = place / "environment", place / "work"
    install = make_environment(environment)
    subprocess.run([*install, "--no-deps", "--no-index", str(release.wheel)], check=True)
    bases = dict.fromkeys(("base", "platbase"), str(environment))
    packages = Path(sysconfig.get_path("purelib", "venv", bases))
    # After the wheel's own: this adds the folders, and not what editable installs in them add.
    ours = {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}
    (packages / "what-it-depends-on.pth").write_text("\n".join(sorted(ours)) + "\n")
    (folder / "demos").mkdir(parents=True)
    (folder / "demos" / "__init__.py").write_text("raise SystemExit('the demos of somebody else')")
    return Installed(environment / "bin", folder)


class TestInstalledBesideFilesOfOthers:
    def test_it_is_the_wheel_that_runs(self, installed: Installed) -> None:
        program = "import andes_client, andes_backend, andes_demos as d; print(d.__file__)"
        where = Path(installed.run("python", "-c", program).strip())
        assert where.is_relative_to(installed.scripts.parent)

    def test_it_says_its_version(self, installed: Installed, release: Release) -> None:
        version = f"andes {release.metadata()['Version']}\n"
        assert installed.run("andes", "--version") == version
        assert installed.run("python", "-m", "andes_client", "--version") == version

    def test_help_lists_all_commands_and_none_is_broken(
        self, installed: Installed, release: Release
    ) -> None:
        said = installed.run("andes", "--help")
        assert "broken" not in said
        listed = set(re.findall(r"^ {4}(\w+)", said, re.MULTILINE))
        assert listed == set(release.commands())
        # Here the folder with `demos` is on the path.
        assert installed.run("python", "-m", "andes_client", "--help").count("\n") >= len(listed)

    @pytest.mark.slow
    def test_each_command_has_help(self, installed: Installed, release: Release) -> None:
        for command in release.commands():
            said = installed.run("andes", command, "--help")
            assert said.startswith(f"usage: andes {command} "), command

    @pytest.mark.slow
    def test_text_is_passed_through_a_pipe(self, installed: Installed) -> None:
        text = "Words for nobody in particular. "
        assert installed.run("andes", "pace", typed=text.encode()) == text
