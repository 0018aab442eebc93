"""The chat as a program: it starts offline, survives kill -9, and keeps its key to itself."""

import subprocess
from pathlib import Path

import pytest
from andes_demos.chat.store import STREAMING, Store
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.demos.chat_process import COMMAND, DEADLINE_S, ROOT, chat, clean_environment
from tests.demos.chat_room import answering, serving, then_nothing

pytestmark = pytest.mark.slow  # whole programs, in real terminals

SECRET = "sk-very-secret-0123456789"
TEXT = "One two three four five six seven eight nine ten eleven twelve."


def refused(*options: str, **environment: str) -> tuple[int, str]:
    """Exit status and output of a chat that does not even begin."""
    run = subprocess.run(
        [*COMMAND, *options],
        cwd=ROOT,
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


def test_without_anything_it_starts_offline_says_so_and_answers(tmp_path: Path) -> None:
    with chat(ANDES_DATA_DIR=str(tmp_path), ANDES_CONFIG=str(tmp_path / "none")) as terminal:
        terminal.wait_for("Offline: no model answers here.")
        terminal.press("Hello\r")
        terminal.wait_for("waiting for the first word")
        terminal.wait_for("This text is paced")
        terminal.press("\x11")  # Ctrl+Q
        assert terminal.process.wait(DEADLINE_S) == 0


def test_after_kill_9_all_that_was_shown_is_there(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path), "--wpm", "600", "--config", "/dev/null")
    with serving(TEXT, then_nothing(9)) as served:
        with chat("--url", served.url, *options) as terminal:
            terminal.wait_for("Ask something")
            terminal.press("Count\r")
            terminal.wait_for("seven")
            terminal.process.kill()
            assert terminal.process.wait() == -9
        with Store(tmp_path) as store:
            (conversation,) = store.conversations()
            question, answer = store.messages(conversation.id)
            assert (question.text, answer.state) == ("Count", STREAMING)
            assert TEXT.startswith(answer.text)
            assert "seven" in answer.text
        with chat("--url", served.url, *options) as terminal:
            terminal.wait_for("Ask something")
            terminal.press("\x0f")  # Ctrl+O
            terminal.wait_for("Conversations")
            terminal.press("\r")
            terminal.wait_for("One two three four five six seven")
            terminal.wait_for("interrupted")


@pytest.mark.parametrize("where", ["environment", "file"])
def test_the_key_is_sent_and_seen_nowhere(where: str, tmp_path: Path) -> None:
    sent: list[str] = []

    def respond(_: object, request: Request) -> Response:
        sent.append(request.headers["authorization"])
        return JSONResponse({"error": {"message": f"Incorrect API key: {SECRET}"}}, 401)

    config, key = tmp_path / "chat.toml", tmp_path / "key"
    environment = {"OPENAI_API_KEY": SECRET}
    if where == "file":
        key.write_text(SECRET)
        config.write_text(f'key_file = "{key}"')
        environment = {}
    data = tmp_path / "data"
    with (
        answering(respond) as served,
        chat(
            "--url", served.url, ANDES_DATA_DIR=str(data), ANDES_CONFIG=str(config), **environment
        ) as terminal,
    ):
        terminal.wait_for("Ask something")
        terminal.press("Hello\r")
        terminal.wait_for("401")
        terminal.wait_for("idle")
        processes = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True)
        assert str(terminal.process.pid) in processes.stdout
        assert SECRET not in processes.stdout
        terminal.press("\x11")
        assert terminal.process.wait(DEADLINE_S) == 0
    assert sent == [f"Bearer {SECRET}"]
    assert SECRET.encode() not in terminal.output
    kept = [path.read_bytes() for path in data.rglob("*")]
    assert kept
    assert not any(SECRET.encode() in content for content in kept)


@pytest.mark.parametrize("option", ["--key", "--api-key"])
@pytest.mark.parametrize("joined", [True, False])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(option: str, joined: bool) -> None:
    status, said = refused(*([f"{option}={SECRET}"] if joined else [option, SECRET]))
    assert status == 2
    assert "set ANDES_API_KEY in the environment" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("options", "config", "message"),
    [
        (["--url", "localhost"], "", "andes chat: --url must be a URL such as"),
        ([], 'url = "localhost"', "andes chat: url must be a URL such as"),
        ([], "speed = 1", "chat.toml: unknown setting 'speed'"),
        (["--data-dir", "/dev/null"], "", "andes chat: /dev/null/chat.db"),
        (["--config", "/nowhere"], "", "andes chat: /nowhere: there is no such file"),
        (["--url", "http://a"], 'key_file = "/nowhere"', "cannot read the key file /nowhere"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(
    options: list[str], config: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "chat.toml").write_text(config)
    places = {"ANDES_CONFIG": str(tmp_path / "chat.toml"), "ANDES_DATA_DIR": str(tmp_path)}
    status, said = refused(*options, **places)
    assert status == 1
    assert message in said
    assert len(said.splitlines()) == 1


def test_a_speed_that_is_none_is_refused() -> None:
    status, said = refused("--wpm", "0")
    assert (status, "must be a number of words a minute" in said) == (2, True)
