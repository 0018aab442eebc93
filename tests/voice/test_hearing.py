"""What the server is told of a listener; on a virtual clock, on asyncio and trio."""

import anyio
import pytest

from andes_client import speaking
from andes_client.reports import Line
from andes_client.voice import Spoken
from andes_client.voice.hearing import Hearing
from tests.client.test_reports import Server, settled

pytestmark = pytest.mark.anyio

SENTENCE = "The cat sat on the old mat. "  # seven words


@pytest.fixture
def server() -> Server:
    return Server()


def heard_through(line: Line, spoken: Spoken | None) -> Hearing:
    hearing = Hearing(spoken, "en")
    hearing.start(anyio.current_time())
    hearing.connect(line, anyio.current_time)
    return hearing


async def test_the_slack_is_seconds_of_audio_and_of_text_that_will_be_audio(server: Server) -> None:
    played = 0.0
    spoken = Spoken(lambda: played)
    line = server.reporter.line(speaking(language="en"))
    hearing = heard_through(line, spoken)
    for _ in range(8):
        hearing.receive(SENTENCE, anyio.current_time())
    for number in range(8):
        spoken.add(SENTENCE, seconds=4.0)
        if number == 3:
            assert hearing.in_hand(0.0) == pytest.approx(16.0 + 16.0, abs=1.0)
    assert hearing.in_hand(0.0) == pytest.approx(32.0, abs=0.5)
    played = 30.0
    assert hearing.in_hand(0.0) == pytest.approx(2.0, abs=0.5)
    hearing.leave()
    await settled(server)
    (*_, (_, last)) = server.heard(line)
    assert last.state == "gone"
    assert last.buffer_s == pytest.approx(2.0, abs=0.5)


async def test_a_voice_that_halts_is_put_right_within_seconds(server: Server) -> None:
    """The server takes the audio for played; it is told that it is not."""
    start = anyio.current_time()
    halted_at = start + 4.0

    def position() -> float:
        return min(anyio.current_time(), halted_at) - start

    spoken = Spoken(position)
    line = server.reporter.line(speaking(language="en"))
    hearing = heard_through(line, spoken)
    hearing.receive(SENTENCE * 5, anyio.current_time())
    for _ in range(5):
        spoken.add(SENTENCE, seconds=4.0)
    await anyio.sleep(20.0)
    reports = [report for at, report in server.heard(line) if at > halted_at]
    assert reports, "that the audio halts is said"
    assert reports[0].buffer_s == pytest.approx(16.0, abs=1.0)
    hearing.end(anyio.current_time())
    await settled(server)


async def test_a_fluent_voice_needs_few_reports(server: Server) -> None:
    start = anyio.current_time()
    spoken = Spoken(lambda: anyio.current_time() - start)
    line = server.reporter.line(speaking(language="en"))
    hearing = heard_through(line, spoken)
    for _ in range(20):
        hearing.receive(SENTENCE, anyio.current_time())
        spoken.add(SENTENCE, seconds=2.2)
        await anyio.sleep(2.1)
    assert len(server.heard(line)) < 42 / 5
    hearing.end(anyio.current_time())
    await settled(server)


async def test_words_are_counted_when_they_are_spoken() -> None:
    start = anyio.current_time()
    spoken = Spoken(lambda: anyio.current_time() - start)
    hearing = Hearing(spoken, "en")
    spoken.add("One two three", 3.0, [(0.0, "One"), (1.0, "two"), (2.0, "three")])
    async for word in spoken:
        if word == " two":
            break
    assert hearing.shown == 2
    assert hearing.shown_tokens == pytest.approx(8 / 3, rel=0.3)
    assert hearing.state == "reading"


async def test_nothing_is_said_of_a_voice_that_is_not_known(server: Server) -> None:
    line = server.reporter.line(speaking(language="en"))
    hearing = heard_through(line, None)
    hearing.receive(SENTENCE, anyio.current_time())
    await anyio.sleep(30.0)
    hearing.leave()
    await settled(server)
    assert server.heard(line) == []
