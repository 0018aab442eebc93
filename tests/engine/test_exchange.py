"""Engines tell each other what users have received, in files that come, change and stay."""

import os
from pathlib import Path

import pytest

from andes_backend.config import AndesConfig
from andes_backend.engine.exchange import Files, _key, exchange_of


def two(directory: Path) -> tuple[Files, Files]:
    return Files(directory, "0-1"), Files(directory, "1-2")


def test_each_hears_what_the_other_has_served_since(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.tell({"alice": 100.0, "bob": 5.0})
    now = os.stat(tmp_path / "0-1.service").st_mtime
    assert second.hear({"alice": 0.0}, now) == {}  # what was before it came is not news
    first.tell({"alice": 130.0, "bob": 5.0})
    assert second.hear({"alice": 0.0, "bob": 0.0}, now) == {"alice": 30.0}
    assert second.hear({"alice": 0.0, "bob": 0.0}, now) == {}
    assert first.hear({"alice": 0.0}, now) == {}


def test_a_user_who_was_forgotten_begins_anew(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.tell({"alice": 100.0})
    now = os.stat(tmp_path / "0-1.service").st_mtime
    second.hear({"alice": 0.0}, now)
    first.tell({"alice": 7.0})
    assert second.hear({"alice": 0.0}, now) == {"alice": 7.0}


def test_no_name_is_in_the_files(tmp_path: Path) -> None:
    first, _ = two(tmp_path)
    first.tell({"alice\n\x1b[31m" + "x" * 200: 1.0, "\ud800": 2.0})
    text = (tmp_path / "0-1.service").read_text()
    assert "alice" not in text
    assert len(text.splitlines()) == 2


def test_a_file_of_an_engine_that_is_gone_is_deleted(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.tell({"alice": 1.0})
    now = os.stat(tmp_path / "0-1.service").st_mtime
    second.hear({}, now + 59)
    assert (tmp_path / "0-1.service").exists()
    second.hear({}, now + 61)
    assert not (tmp_path / "0-1.service").exists()


def test_what_is_invalid_in_a_file_is_passed_over(tmp_path: Path) -> None:
    _, second = two(tmp_path)
    other = tmp_path / "9-9.service"
    other.write_text("")
    now = other.stat().st_mtime
    second.hear({"alice": 0.0}, now)
    key = _key("alice").encode()
    for said in (b"nan", b"inf", b"-5", b"many", b"\xff\xfe", b""):
        other.write_bytes(b"no line\n" + key + b" " + said + b"\n\n")
        assert second.hear({"alice": 0.0}, now) == {}


def test_an_engine_that_ends_leaves_no_file(tmp_path: Path) -> None:
    first, _ = two(tmp_path)
    first.tell({"alice": 1.0})
    first.close()
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_used_stops_the_server(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = AndesConfig(exchange_dir=str(tmp_path / "file" / "below"))
    with pytest.raises(ValueError, match=r"andes\.exchange_dir cannot be used"):
        exchange_of(settings)
    assert exchange_of(AndesConfig()) is None
