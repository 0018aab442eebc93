"""What others wrote is shown on our console as it is, and does nothing there."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from andes_backend.lab.campaign.console import SafeConsole, say, show
from andes_backend.lab.report.users import users_table
from tests.lab.report.test_users_table import run

HOSTILE = [
    ("[red]opt[/red]", "[red]opt[/red]"),
    ("opt[/]", "opt[/]"),
    ("[link=http://x]opt", "[link=http://x]opt"),
    ("opt :cat:", "opt :cat:"),
    ("\x1b[2Jopt", "␛[2Jopt"),
    ("\x1b]52;c;b3B0\x07opt", "␛]52;c;b3B0␇opt"),
    ("opt\rOK ", "opt␍OK "),
    ("opt\x9b31m", "opt\ufffd31m"),
    ("opt\u202etpo", "opttpo"),
    ("opt\ud83d", "opt\ufffd"),
]


def console_of(**options: Any) -> tuple[SafeConsole, StringIO]:
    return SafeConsole(file=(file := StringIO()), width=60, **options), file


def printed(what: Any, **options: Any) -> str:
    console, file = console_of(**options)
    console.print(what)
    return file.getvalue()


def table(name: str) -> Table:
    made = Table(name, title=name, caption=name)
    made.add_row(name)
    return made


@pytest.mark.parametrize(("name", "seen"), HOSTILE)
def test_a_name_is_seen_and_does_not_act(name: str, seen: str, tmp_path: Path) -> None:
    assert printed(name) == f"{seen}\n"
    # rich itself takes bells and returns out of its texts.
    assert printed(Text(name)) == f"{seen.replace('␇', '').replace('␍', '')}\n"
    assert printed(table(name)).count(seen) == 4
    assert printed({"name": Text(name)}).count("\x1b") == 0
    kept = tmp_path / "table.txt"
    console, file = console_of()
    show(console, kept, table(name), Text(name))
    assert kept.read_text().count(seen) >= 4
    say(console, name)
    assert file.getvalue().endswith(f"{seen}\n")


@pytest.mark.parametrize(("name", "seen"), HOSTILE)
def test_a_name_makes_a_table_no_wider_than_it_is(name: str, seen: str) -> None:
    lines = printed(table(name)).splitlines()[1:-1]
    assert len({len(line) for line in lines}) == 1, "\n".join(lines)
    assert len(lines[0]) == len(seen) + 4


def test_our_own_styles_and_the_movements_of_a_bar_still_act() -> None:
    assert printed(Text("ours", "bold"), force_terminal=True) == "\x1b[1mours\x1b[0m\n"
    console, file = console_of(force_terminal=True)
    column = TextColumn("{task.description}", markup=False)
    with Progress(column, console=console, transient=True) as progress:
        progress.add_task("[red]\x1b[2J", total=1)
    drawn = file.getvalue()
    assert "[red]␛[2" in drawn
    assert "\x1b[2K" in drawn, "the bar is wiped out at its end"


def test_a_users_name_from_a_file_does_not_act() -> None:
    shown = printed(users_table([run("stock", ("[b]\x1b[2J", 0.0), ("b", 0.0))]))
    assert "[b]␛[2J" in shown
    assert "all but" in shown
