"""What all pictures have in common."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from andes_backend.lab.report.style import make_figure, save


@pytest.mark.parametrize(
    "title",
    [
        "",
        "short",
        "llama-3-70b-4xh100, 10,000 requests, gamma:cv=3, mix:speaking=0.3,programs=0.1, 1000",
        "opt-66b-4xa100, 4.2 requests/s, duty:intensity=2.5,duration=0.35,period=60",
    ],
)
def test_a_title_is_never_wider_than_its_picture(tmp_path: Path, title: str) -> None:
    figure, _ = make_figure(1, width=5.0, height=4.0)
    save(figure, tmp_path / "new" / "picture.png", title)
    assert (tmp_path / "new" / "picture.png").exists()
    shown = figure.get_suptitle()
    assert "".join(shown.split()) == "".join(title.split())
    if title:
        box = figure.texts[-1].get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1
