"""The configuration and the key: what is accepted, and how clearly the rest is refused."""

from pathlib import Path

import pytest
from andes_demos.chat.key import BadKeyError, Key, find_key
from andes_demos.chat.reader import Reader
from andes_demos.chat.settings import Settings, SettingsError, config_path, data_dir, load

from andes_client import Smoothing, reading

SECRET = "sk-very-secret-0123456789"


def config(folder: Path, text: str) -> Path:
    path = folder / "chat.toml"
    path.write_text(text)
    return path


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert load(tmp_path / "none.toml") == Settings()
    with pytest.raises(SettingsError, match=r"none\.toml: there is no such file"):
        load(tmp_path / "none.toml", required=True)


def test_everything_can_be_set(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        'url = "http://a:1/v1"\nmodel = "m"\nkey_file = "~/k"\nsystem = "s"\nmode = "speaking"\n'
        'wpm = 160\nlanguage = "de"\nttft = 0.5\ntell_server = false\ntheme = "light"\n'
        'export_dir = "/tmp"\n',
    )
    assert load(path) == Settings(
        url="http://a:1/v1",
        model="m",
        key_file=Path.home() / "k",
        system="s",
        mode="speaking",
        wpm=160.0,
        language="de",
        ttft=0.5,
        tell_server=False,
        theme="light",
        export_dir=Path("/tmp"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("speed = 3", "unknown setting 'speed'; known: url, model,"),
        (f'api_key = "{SECRET}"', "'api_key' .put a key into a file of its own"),
        ("[key]\nfile = 1", "unknown setting 'key'"),
        ("wpm = 0", "wpm must be a number .words a minute, 1 or more., not 0"),
        ("wpm = nan", "wpm must be a number"),
        ("wpm = true", "wpm must be a number"),
        ('ttft = "1"', "ttft must be a number .seconds, 0 or more"),
        ('mode = "fast"', "mode must be one of: reading, speaking"),
        ('theme = "blue"', "theme must be one of: dark, light"),
        ("tell_server = 1", "tell_server must be true or false, not int"),
        ('language = "xx"', "language: .*xx"),
        ("url = 1", "url must be a string, not int"),
        ("key_file = 1", "key_file must be the path"),
        ("wpm = \n", "this is not TOML: .*line 1"),
        ("a\nb", "this is not TOML: .*line 1"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_what_would_do(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{tmp_path}/chat.toml: .*{message}") as refused:
        load(config(tmp_path, text))
    assert SECRET not in str(refused.value)


def test_the_environment_says_where_things_are(tmp_path: Path) -> None:
    assert config_path({"ANDES_CONFIG": str(tmp_path / "c")}) == tmp_path / "c"
    assert data_dir({"ANDES_DATA_DIR": str(tmp_path)}) == tmp_path
    assert config_path({}).name == "chat.toml"
    assert data_dir({}).name == "andes"


def test_the_key_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{SECRET}-file\n")
    both = {"OPENAI_API_KEY": f"{SECRET}-openai", "ANDES_API_KEY": f" {SECRET}-andes\n"}
    for environment, end in ((both, "andes"), ({"ANDES_API_KEY": " "}, "file")):
        key = find_key(environment, file)
        assert key is not None
        assert key.authorization() == f"Bearer {SECRET}-{end}"
    assert find_key({}) is None


@pytest.mark.parametrize("value", [f"{SECRET}\nmore", f"{SECRET} x", f"{SECRET}ü", f"\x00{SECRET}"])
def test_a_key_that_is_none_is_refused_without_being_quoted(value: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(value)
    with pytest.raises(BadKeyError, match=r"key has a character at position \d+") as refused:
        find_key({}, file)
    assert SECRET not in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadKeyError, match=f"cannot read the key file {tmp_path}: Is a directory"):
        find_key({}, tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadKeyError, match="is not UTF-8 text"):
        find_key({}, tmp_path / "binary")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(BadKeyError, match="empty is empty"):
        find_key({}, tmp_path / "empty")


def test_a_key_shows_itself_to_nobody() -> None:
    key = Key(SECRET, "a test")
    assert SECRET not in f"{key} {key!r} {[key]} {vars(type(key))}"
    assert key.redact(f"not {SECRET}!") == "not [key]!"


def test_each_mode_keeps_its_own_speed() -> None:
    reader = Reader(wpm=200.0)
    reader.faster()
    reader.switch()
    assert (reader.mode, round(reader.wpm, 1)) == ("speaking", 193.5)
    reader.slower()
    assert reader.expectation.wpm == pytest.approx(193.5 / 1.1, abs=0.01)
    assert reader.pace == "speaking 176 wpm"
    reader.switch()
    assert (reader.mode, reader.pace) == ("smooth", "smooth")
    reader.switch()
    assert reader.wpm == pytest.approx(220.0)
    assert Reader(language="de").wpm < Reader(language="en").wpm


def test_a_smooth_reader_is_asked_of_the_server_like_anybody() -> None:
    """What they have made of the speed is theirs alone, and stays from answer to answer."""
    reader = Reader("smooth", 300.0, ttft=0.5)
    assert reader.expectation == Smoothing(0.5, reading(300.0).tds)
    reader.slower()
    assert reader.pace == "smooth x 0.91"
    assert reader.expectation == Smoothing(0.5, reading(300.0).tds)


def test_the_speed_has_an_end_in_both_directions() -> None:
    reader = Reader()
    for _ in range(200):
        reader.slower()
    assert reader.wpm == 10.0
    for _ in range(200):
        reader.faster()
    assert reader.wpm == 100_000.0
