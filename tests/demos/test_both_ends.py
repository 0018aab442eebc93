"""The picture of one stream, unheard and heard: it shows what the servers did."""

from pathlib import Path

import pytest

pytest.importorskip("vllm", reason="the twin runs vLLM's own scheduler")

from andes_demos.both_ends import Stream, draw, main, streams

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both() -> list[Stream]:
    return streams(120)


def test_the_same_reader_is_seen_at_both_servers(both: list[Stream]) -> None:
    unheard, heard = both
    assert (unheard.heard, heard.heard) == (False, True)
    assert len(unheard.served) == len(heard.served) == len(heard.read)
    for one in both:
        assert one.served == sorted(one.served)
        assert all(read > served for read, served in zip(one.read, one.served, strict=True))
        begin, end = one.pause
        assert end - begin >= 30
        assert not any(begin < time < end for time in one.read[1:-1])
    made = [sum(one.pause[0] < time < one.pause[1] for time in one.served) for one in both]
    assert made[0] > made[1]


def test_it_is_drawn(both: list[Stream], tmp_path: Path) -> None:
    draw(both, tmp_path / "both.svg")
    picture = (tmp_path / "both.svg").read_text()
    assert picture.startswith("<?xml")
    draw(both, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == picture, "the same run, the same file"


def test_where_it_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="No such file or directory"):
        main(["--requests", "60", "--out", str(tmp_path / "nowhere" / "a.svg")])
