"""The `andes` command with subcommands of other people, good and bad.

Each test installs distributions of its own: a folder on `sys.path` with their metadata and
modules, as an installer leaves them.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from andes_client import cli

GREETING = """
def add_parser(subparsers):
    parser = subparsers.add_parser({name!r}, help="say {word}")
    parser.add_argument("--twice", action="store_true")
    parser.set_defaults(run=run)

def run(arguments):
    print(*["{word}"] * (2 if arguments.twice else 1))
    return 3
"""
OURS = {
    "bench", "board", "calibrate", "chat", "demo", "doctor", "fair", "pace", "plan", "say",
    "sensitivity", "serve", "twin", "web",
}  # fmt: skip


def greeting(name: str, word: str = "hello") -> str:
    """The code of a command that says a word and ends with status 3."""
    return GREETING.format(name=name, word=word)


class Site:
    """A folder of installed distributions, and `andes` as run by somebody who has them."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def install(self, distribution: str, *, version: str = "1.0", **commands: str) -> None:
        """Install a distribution: the code of its commands, by their names.

        The module of the command `hum` is `hum_of_DISTRIBUTION`.
        """
        identifier = distribution.replace("-", "_")
        modules = {name: f"{name}_of_{identifier}" for name in commands}
        for name, code in commands.items():
            (self.folder / f"{modules[name]}.py").write_text(code)
        points = "\n".join(f"{name} = {module}" for name, module in modules.items())
        self.write_metadata(
            f"{identifier}-{version}",
            METADATA=f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n",
            **{"entry_points.txt": f"[andes.commands]\n{points}\n"},
        )

    def write_metadata(self, name: str, **files: str) -> None:
        info = self.folder / f"{name}.dist-info"
        info.mkdir()
        for file, text in files.items():
            (info / file).write_text(text)

    def run(self, *words: str, prog: str = "andes") -> tuple[object, str, str]:
        """What `andes WORDS` ends with and prints: status, standard output, standard error."""
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            cli.main(words, prog=prog)
        said = self._capsys.readouterr()
        return left.value.code, said.out, said.err

    def fails(self, *words: str) -> str:
        """The one line in which `andes WORDS` says why it ends with status 1."""
        status, out, error = self.run(*words)
        assert (status, out) == (1, "")
        assert error.endswith("\n")
        assert error.count("\n") == 1
        return error.rstrip("\n")

    def help_lines(self) -> dict[str, str]:
        """What `andes --help` says about each command, by name."""
        status, out, error = self.run("--help")
        assert (status, error) == (0, "")
        # A long name has its help on the next line, further to the right.
        listed = re.split(r"^ {4}(?=\S)", out.partition("  COMMAND\n")[2], flags=re.MULTILINE)[1:]
        return {words.split()[0]: " ".join(words.split()[1:]) for words in listed}


@pytest.fixture
def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Site]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield Site(tmp_path, capsys)
    for name in [name for name in sys.modules if "_of_" in name and name not in before]:
        del sys.modules[name]


class TestWhatIsLoaded:
    def test_a_command_of_any_distribution_runs_with_its_options_and_status(
        self, site: Site
    ) -> None:
        site.install("polite", hello=greeting("hello"))
        assert site.run("hello", "--twice") == (3, "hello hello\n", "")

    def test_only_the_command_that_is_asked_for_is_loaded(self, site: Site) -> None:
        site.install("polite", hello=greeting("hello"), bye=greeting("bye"))
        site.run("hello")
        assert "hello_of_polite" in sys.modules
        assert "bye_of_polite" not in sys.modules

    def test_pacing_loads_nothing_of_the_backend_or_the_demos(self) -> None:
        program = (
            "import sys; from andes_client import cli\n"
            "try: cli.main(['pace', '--help'])\n"
            "finally: print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        loaded = set(done.stdout.splitlines()[-1].split())
        assert "andes_client" in loaded
        assert not loaded & {"andes_backend", "andes_demos", "numpy"}

    def test_help_lists_every_command_with_its_line(self, site: Site) -> None:
        site.install("polite", hello=greeting("hello"))
        listed = site.help_lines()
        assert listed.keys() >= OURS | {"hello"}
        assert listed["hello"] == "say hello"
        assert listed["pace"] == "copy standard input to the output at reading pace"
        assert "broken" not in " ".join(listed.values())

    @pytest.mark.parametrize("words", [["--version"], ["--version", "hello"]])
    def test_the_version_needs_no_command(self, site: Site, words: list[str]) -> None:
        site.install("polite", hello="raise SystemExit('loaded')")
        status, out, error = site.run(*words)
        assert (status, error) == (0, "")
        assert out.startswith("andes 0.")

    def test_what_an_error_quotes_does_not_act(self, site: Site) -> None:
        site.install("polite", greet=greeting("greet"))
        for words in (["\x1b[2Jx"], ["greet", "--a\x1b]0;x\x07"], ["greet", "\x9b2J"], ["\u202ex"]):
            status, _, error = site.run(*words)
            assert status == 2
            assert not set("\x1b\x07\x9b\u202e") & set(error)

    def test_options_that_a_command_does_not_know_are_an_error(self, site: Site) -> None:
        site.install("polite", hello=greeting("hello"))
        status, out, error = site.run("hello", "--thrice")
        assert (status, out) == (2, "")
        assert error.endswith("andes: error: unrecognized arguments: --thrice\n")

    def test_a_command_that_passes_options_on_gets_those_it_does_not_know(self, site: Site) -> None:
        code = """
def add_parser(subparsers):
    parser = subparsers.add_parser("relay")
    parser.set_defaults(passes_on=True, run=lambda arguments: print(arguments.passed_on) or 0)
"""
        site.install("relays", relay=code)
        assert site.run("relay", "--any", "option") == (0, "['--any', 'option']\n", "")


class TestUnknownCommands:
    @pytest.mark.parametrize("words", [["sing"], ["--loud", "sing"], ["sing", "--help"]])
    def test_an_unknown_name_ends_with_2_and_the_known_names(
        self, site: Site, words: list[str]
    ) -> None:
        site.install("polite", hello="raise SystemExit('loaded')")
        status, out, error = site.run(*words)
        assert (status, out) == (2, "")
        *_, said = error.splitlines()
        assert said.startswith("andes: error: unknown command 'sing'; the commands are: ")
        assert set(said.partition("are: ")[2].split(", ")) >= OURS | {"hello"}
        assert "hello_of_polite" not in sys.modules

    def test_no_name_at_all_ends_with_2_and_the_known_names(self, site: Site) -> None:
        status, out, error = site.run()
        assert (status, out) == (2, "")
        assert "andes: error: a command is missing; the commands are: bench, board" in error


BROKEN = {
    "exit": ("raise SystemExit(0)", "SystemExit: 0"),
    "silent-exit": ("raise SystemExit", "SystemExit"),
    "import": (
        "from andes_client import nonsense",
        "ImportError: cannot import name 'nonsense' from 'andes_client'",
    ),
    "syntax": ("def add_parser(:", "SyntaxError: invalid syntax (sing_of_rude.py, line 1)"),
    "lines": ("raise ValueError('one\\n  two')", "ValueError: one two"),
    "no-function": ("", "AttributeError: module 'sing_of_rude' has no attribute 'add_parser'"),
    "not-an-exception": (
        "class Panic(BaseException): pass\nraise Panic('a panic')",
        "Panic: a panic",
    ),
    "half-way": (
        "def add_parser(subparsers):\n    subparsers.add_parser('sing', help='fine')\n    1 / 0",
        "ZeroDivisionError: division by zero",
    ),
    "other-name": (
        greeting("sign"),
        "LookupError: add_parser has added no parser of the name 'sing'",
    ),
}


class TestBrokenCommands:
    @pytest.mark.parametrize(("code", "what"), BROKEN.values(), ids=BROKEN)
    def test_it_says_in_one_line_what_happened_and_what_to_do(
        self, site: Site, code: str, what: str
    ) -> None:
        site.install("rude", version="2.1", sing=code)
        line = site.fails("sing", "--help")
        assert line.startswith(f"andes sing: cannot be loaded from rude 2.1: {what}")
        assert line.endswith(
            ". Reinstall or upgrade rude; if that does not help, tell its authors what "
            "`python -c 'import sing_of_rude'` prints."
        )

    @pytest.mark.parametrize("why", BROKEN)
    def test_no_other_command_is_affected(self, site: Site, why: str) -> None:
        site.install("rude", sing=BROKEN[why][0])
        site.install("polite", hello=greeting("hello"))
        assert site.run("hello") == (3, "hello\n", "")

    @pytest.mark.parametrize("why", BROKEN)
    def test_help_lists_it_as_broken(self, site: Site, why: str) -> None:
        site.install("rude", version="2.1", sing=BROKEN[why][0])
        listed = site.help_lines()
        assert listed.keys() == OURS | {"sing"}
        assert listed["sing"] == "broken, from rude 2.1: `andes sing` says why"


class TestMissingModules:
    def test_a_module_of_an_extra_of_ours_tells_the_extra(self, site: Site) -> None:
        site.install("andes-streaming", version="0.1.0", sing="import textual_serve.nonsense")
        line = site.fails("sing")
        assert line == (
            "andes sing: cannot be loaded from andes-streaming 0.1.0: ModuleNotFoundError: No "
            "module named 'textual_serve.nonsense'. Install it with: "
            "pip install 'andes-streaming[demos]'"
        )

    def test_a_module_that_is_missing_while_a_command_runs_tells_the_extra(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = greeting("sing").replace("    print", "    import httpx2\n    print")
        monkeypatch.setitem(sys.modules, "httpx2", None)
        site.install("andes-streaming", version="0.1.0", sing=code)
        assert site.fails("sing") == (
            "andes sing: import of httpx2 halted; None in sys.modules. Install it with: "
            "pip install 'andes-streaming[http]'"
        )

    @pytest.mark.parametrize(
        ("command", "missing", "extra"),
        [
            ("demo", "httpx2", "demos"),
            ("chat", "platformdirs", "demos"),
            ("web", "uvicorn", "demos"),
            ("calibrate", "httpx2", "bench"),
            ("twin", "rich", "bench"),
            ("doctor", "httpx2", "http"),
        ],
    )
    def test_one_extra_brings_all_that_a_command_needs(
        self, command: str, missing: str, extra: str
    ) -> None:
        (point,) = entry_points(group="andes.commands", name=command)
        remedy = cli._Command(point, ()).remedy(ModuleNotFoundError(name=missing))
        assert remedy == f"Install it with: pip install 'andes-streaming[{extra}]'"

    def test_a_module_that_another_distribution_misses(self, site: Site) -> None:
        site.install("rude", sing="import numpy_of_mars")
        assert site.fails("sing") == (
            "andes sing: cannot be loaded from rude 1.0: ModuleNotFoundError: No module named "
            "'numpy_of_mars'. Install it, or the extra of rude that brings it."
        )

    def test_a_module_that_its_own_distribution_lacks(self, site: Site) -> None:
        site.install("rude", sing="")
        (site.folder / "sing_of_rude.py").unlink()
        assert ". Reinstall or upgrade rude; " in site.fails("sing")

    def test_the_extras_named_have_the_modules(self) -> None:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
        extras = project["project"]["optional-dependencies"]
        for module, extra in cli._EXTRAS.items():
            if module != "aiohttp":  # comes with textual-serve
                wanted = module.replace("_", "-")
                assert any(one.startswith(wanted) for one in extras[extra]), module


class TestSameName:
    def test_the_first_party_wins_and_says_so(self, site: Site) -> None:
        site.install("aardvark", version="9.0", pace=greeting("pace"))
        status, out, error = site.run("pace", "--help")
        assert status == 0
        assert "at the pace people read" in out
        assert error.startswith("andes: aardvark 9.0 offers a command 'pace' too; that of andes-")
        assert error.endswith(" is taken.\n")
        assert error.count("\n") == 1
        assert "pace_of_aardvark" not in sys.modules

    @pytest.mark.parametrize("order", [("duet", "solo"), ("solo", "duet")])
    def test_among_others_the_alphabet_decides(self, site: Site, order: tuple[str, str]) -> None:
        for distribution in order:
            site.install(distribution, sing=greeting("sing", distribution))
        line = "andes: solo 1.0 offers a command 'sing' too; that of duet 1.0 is taken.\n"
        assert site.run("sing") == (3, "duet\n", line)

    def test_help_says_so_once(self, site: Site) -> None:
        site.install("aardvark", pace=greeting("pace"))
        status, out, error = site.run("--help")
        assert (status, error.count("\n")) == (0, 1)
        assert out.count("\n    pace ") == 1

    def test_a_distribution_further_down_the_path_is_no_rival(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.install("polite", hello=greeting("hello", "old"))
        above = Site(site.folder / "above", site._capsys)
        above.folder.mkdir()
        above.install("polite", version="2.0", hello=greeting("hello", "new"))
        monkeypatch.syspath_prepend(above.folder)
        assert site.run("hello") == (3, "new\n", "")


class TestDamagedDistributions:
    """What Python's own `entry_points` makes of such files is to give up on all of them."""

    def damage(self, site: Site) -> None:
        metadata = "Metadata-Version: 2.1\nName: damaged\nVersion: 1.0\n"
        points = "[andes.commands]\nrubbish\n"
        site.write_metadata("damaged-1.0", METADATA=metadata, **{"entry_points.txt": points})

    def test_entry_points_that_cannot_be_parsed_are_left_out(self, site: Site) -> None:
        self.damage(site)
        site.install("polite", hello=greeting("hello"))
        status, out, error = site.run("hello")
        assert (status, out) == (3, "hello\n")
        assert error.startswith(
            "andes: the entry points of damaged cannot be read, and are left out: "
        )
        assert error.count("\n") == 1

    def test_then_too_the_first_on_the_path_is_the_one(self, site: Site) -> None:
        self.damage(site)
        site.install("andes-streaming", version="9.0", hello=greeting("hello"))
        assert site.run("hello")[:2] == (3, "hello\n")
        assert "unknown command 'pace'" in site.run("pace")[2]

    def test_a_distribution_without_metadata_can_offer_a_command(self, site: Site) -> None:
        (site.folder / "hello_of_nobody.py").write_text(greeting("hello"))
        points = "[andes.commands]\nhello = hello_of_nobody\nsing = sing_of_nobody\n"
        site.write_metadata("nobody-1.0", **{"entry_points.txt": points})
        assert site.run("hello") == (3, "hello\n", "")
        assert "cannot be loaded from a distribution without" in site.fails("sing")


def test_a_checkout_that_is_not_installed_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(site.folder)])
    assert site.fails("pace") == (
        "andes: the distribution andes-streaming is not installed here, nor are its commands. "
        "Install it with: pip install andes-streaming; from a checkout: pip install ."
    )


class TestProgramName:
    def test_messages_name_the_program_as_it_was_run(self, site: Site) -> None:
        site.install("rude", sing="raise SystemExit")
        prog = "python -m andes_client"
        assert site.run("sing", prog=prog)[2].startswith(f"{prog} sing: cannot be loaded")
        assert site.run("song", prog=prog)[2].startswith(f"usage: {prog} [-h]")
        assert site.run("--help", prog=prog)[1].count(f"`{prog} sing` says why") == 1

    @pytest.mark.parametrize("command", ["pace", "doctor", "serve"])
    def test_commands_show_it_in_their_usage(self, site: Site, command: str) -> None:
        prog = "python -m andes_client"
        status, out, _ = site.run(command, "--help", prog=prog)
        assert status == 0
        assert out.startswith(f"usage: {prog} {command} ")

    def test_the_module_runs_under_its_own_name(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "andes_client", "nonsense"], capture_output=True, text=True
        )
        assert done.returncode == 2
        assert done.stderr.startswith("usage: python -m andes_client [-h]")


@pytest.mark.parametrize(
    "code",
    [
        "raise KeyboardInterrupt",
        greeting("sing").replace("    print", "    raise KeyboardInterrupt\n    print"),
    ],
    ids=["while it is loaded", "while it runs"],
)
def test_ctrl_c_ends_with_130_and_no_traceback(site: Site, code: str) -> None:
    site.install("slow", sing=code)
    assert site.run("sing") == (130, "", "")
