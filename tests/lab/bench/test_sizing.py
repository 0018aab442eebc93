"""The model's layers on machines of other speeds: by a formula, and with a server's answers."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from andes_backend.lab.bench import sizing
from andes_backend.lab.bench.measure import SessionError
from andes_backend.lab.bench.server import Server
from andes_backend.lab.bench.sizing import (
    REFERENCE_TOKENS_PER_S,
    USUAL_LAYERS,
    matching_layers,
    tokens_per_s,
)
from tests.lab.bench.fake_server import FakeServer, chunk


def machine(times: float, *, besides: float = 1.5) -> tuple[Callable[[int], float], list[int]]:
    """A machine of so many times the reference's speed with the usual model, and its trials.

    Besides its layers a step takes as long as so many of them.
    """
    trials: list[int] = []

    def speed(layers: int) -> float:
        trials.append(layers)
        return times * REFERENCE_TOKENS_PER_S * (USUAL_LAYERS + besides) / (layers + besides)

    return speed, trials


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=200)


def test_a_machine_like_the_reference_has_the_usual_model(console: Console) -> None:
    for times in (0.85, 1.0, 1.19):
        speed, trials = machine(times)
        assert matching_layers(speed, console) == USUAL_LAYERS
        assert trials == [USUAL_LAYERS]


@pytest.mark.parametrize("times", [0.2, 0.25, 0.4, 0.6, 1.5, 3.0])
def test_another_machine_comes_near_the_reference(times: float, console: Console) -> None:
    speed, trials = machine(times)
    layers = matching_layers(speed, console)
    assert len(trials) <= 4
    assert 1 / 1.5 < speed(layers) / REFERENCE_TOKENS_PER_S < 1.5
    assert (layers < USUAL_LAYERS) == (times < 1)


def test_a_machine_that_is_too_slow_or_too_fast_has_the_nearest(console: Console) -> None:
    assert matching_layers(machine(0.01)[0], console) == 1
    most = matching_layers(machine(40.0)[0], console)
    assert most == 48
    assert isinstance(console.file, StringIO)
    assert "taking 48 layers: " in console.file.getvalue()


class TestTrial:
    @pytest.fixture
    def served(self, fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        """The models that were served, by the fake server."""
        models: list[Path] = []

        @contextlib.contextmanager
        def serve_fake(model: Path, *, log: Path, **_: object) -> Iterator[Server]:
            models.append(model)
            yield Server(fake_server.url, "tiny", log, 0)

        pytest.importorskip("tokenizers")
        monkeypatch.setattr(sizing, "serve_tiny", serve_fake)
        return models

    def test_counts_the_tokens_of_a_burst(
        self, fake_server: FakeServer, served: list[Path], tmp_path: Path
    ) -> None:
        assert tokens_per_s(2, models=tmp_path, log=tmp_path / "log") > 0
        assert served == [tmp_path / "tiny-model-2"]
        lengths = [len(body["prompt"]) + body["max_tokens"] for body in fake_server.bodies]
        assert len(lengths) == 4 + 32  # those that warm it up, and the burst
        assert max(lengths) == 800

    @pytest.mark.usefixtures("served")
    def test_a_request_that_fails_is_no_measurement(
        self, fake_server: FakeServer, tmp_path: Path
    ) -> None:
        async def short(body: dict[str, Any]) -> AsyncIterator[str]:
            for _ in range(min(body["max_tokens"], 100)):
                yield chunk([1])

        fake_server.events = short
        with pytest.raises(SessionError, match=r"trial failed \(.*\): see .*log"):
            tokens_per_s(2, models=tmp_path, log=tmp_path / "log")
