"""docs/chat.md says what is so: its configuration loads, its keys are the chat's."""

import dataclasses
import re
from pathlib import Path

from andes_demos.chat.keys import ALWAYS
from andes_demos.chat.settings import Settings, load

TEXT = (Path(__file__).parent.parent.parent / "docs" / "chat.md").read_text()


def test_the_configuration_there_is_read_and_has_every_setting(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "chat.toml"
    path.write_text(block)
    settings = load(path)
    assert settings.wpm == 238.0
    names = re.findall(r"^(\w+) =", block, re.MULTILINE)
    assert names == [field.name for field in dataclasses.fields(Settings)]


def test_the_table_of_keys_is_the_one_of_the_chat() -> None:
    rows = dict(re.findall(r"^\| (`.*`) \| (.*) \|$", TEXT, re.MULTILINE))
    for key in ALWAYS:
        shown = ", ".join(f"`{name}`" for name in key.shown.split(", "))
        assert rows.pop(shown) == key.what
    assert set(rows) == {"`Enter`", "`Ctrl+J`", "`Tab`"}
