"""What is kept of conversations, and that it is there after anything."""

import itertools
import re
import sqlite3
import stat
from pathlib import Path

import pytest
from andes_demos.chat.export import as_markdown, last_code, write
from andes_demos.chat.store import STREAMING, Conversation, Saved, Store, StoreError

ODD = "a\0b 漢字 👩🏽‍🚀 \r\n\u2028 'quotes' -- ; DROP TABLE messages"


def test_what_was_said_is_there_again(tmp_path: Path) -> None:
    with Store(tmp_path / "new" / "folder") as store:
        begun = store.begin(ODD, system="Be kind")
        store.add(begun.id, "user", ODD)
        answer = store.add(begun.id, "assistant", state=STREAMING)
        for letter in ODD:
            store.append(answer, letter)
        store.finish(answer, "done", "QoE 1.00")
    with Store(tmp_path / "new" / "folder") as store:
        (found,) = store.conversations()
        assert found.system == "Be kind"
        assert store.messages(found.id) == [
            Saved(1, "user", ODD, "done", ""),
            Saved(2, "assistant", ODD, "done", "QoE 1.00"),
        ]


def test_an_answer_that_nobody_finished_has_all_its_words(tmp_path: Path) -> None:
    """Another program reads them while the first still has the file open: so would the next."""
    with Store(tmp_path) as store, Store(tmp_path) as other:
        begun = store.begin("t")
        answer = store.add(begun.id, "assistant", state=STREAMING)
        for number, word in enumerate(["One", " two", " three"], 1):
            store.append(answer, word)
            (said,) = other.messages(begun.id)
            assert (said.text, said.state) == ("One two three"[: len(said.text)], STREAMING)
            assert len(said.text.split()) == number


def test_the_newest_is_first_and_search_looks_into_the_text(tmp_path: Path) -> None:
    with Store(tmp_path, now=itertools.count().__next__) as store:
        ids = [store.begin(title).id for title in ("Straße", "Pears", "Plums")]
        store.add(ids[1], "user", "and ÄPFEL, 100 %")
        assert [c.title for c in store.conversations()] == ["Pears", "Plums", "Straße"]
        assert [c.title for c in store.conversations("äpfel")] == ["Pears"]
        assert [c.title for c in store.conversations("STRASSE")] == ["Straße"]
        assert [c.title for c in store.conversations("0 %")] == ["Pears"]
        assert store.conversations("_") == []


def test_titles_are_one_short_line(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        begun = store.begin("two\nlines " + "x" * 100)
        assert begun.title.startswith("two lines xxx")
        assert len(begun.title) == 60
        store.rename(begun.id, "  ")
        assert store.conversation(begun.id).title == "Untitled"


def test_what_is_deleted_is_gone_from_the_file(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        begun = store.begin("t")
        store.add(begun.id, "user", "a very particular sentence")
        store.append(store.add(begun.id, "assistant"), "another particular one")
        store.delete(begun.id)
        assert store.conversations() == []
        with pytest.raises(StoreError, match="no longer there"):
            store.conversation(begun.id)
    assert b"particular" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with Store(tmp_path / "data") as store:
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "chat.db").write_text("something else altogether " * 100)
    with pytest.raises(StoreError, match=r"chat\.db: file is not a database"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="Not a directory"):
        Store(tmp_path / "chat.db" / "folder")


def test_a_file_of_the_version_before_is_read_and_goes_on(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "chat.db") as old:
        old.executescript(FIRST_VERSION)
    old.close()
    with Store(tmp_path) as store:
        question, answer = store.messages(1)
        assert (question.text, question.thoughts) == ("Why?", "")
        assert (answer.text, answer.thoughts, answer.state) == ("Half of it", "", STREAMING)
        store.append(2, "So", thought=True)
        store.finish(2, "done")
        assert store.messages(1)[1].thoughts == "So"
        assert store._db.execute("PRAGMA user_version").fetchone() == (2,)
    with Store(tmp_path) as again:
        assert len(again.messages(1)) == 2


FIRST_VERSION = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, system TEXT NOT NULL, changed REAL NOT NULL
);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations(id) ON DELETE CASCADE,
    role TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX of_conversation ON messages(conversation);
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE, text TEXT NOT NULL
);
CREATE INDEX of_message ON pieces(message);
INSERT INTO conversations VALUES (1, 'Why?', '', 0);
INSERT INTO messages VALUES (1, 1, 'user', 'Why?', 'done', '');
INSERT INTO messages VALUES (2, 1, 'assistant', 'Half', 'streaming', '');
INSERT INTO pieces VALUES (1, 2, ' of it');
PRAGMA user_version = 1;
"""


def test_reasoning_is_kept_beside_the_answer(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        number = store.begin("Why?").id
        message = store.add(number, "assistant", state=STREAMING)
        store.append(message, "First ", thought=True)
        store.append(message, "this", thought=True)
        store.append(message, "So.")
        (kept,) = store.messages(number)
        assert (kept.thoughts, kept.text) == ("First this", "So.")
        store.rethink(message)
        store.append(message, "Well.")
        store.finish(message, "done")
        (kept,) = store.messages(number)
        assert (kept.thoughts, kept.text) == ("First thisSo.", "Well.")


def test_what_belongs_to_a_conversation_that_is_gone_says_so(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        number = store.begin("Why?").id
        message = store.add(number, "assistant", state=STREAMING)
        store.delete(number)
        for act in (
            lambda: store.append(message, "word"),
            lambda: store.append(message, "why", thought=True),
            lambda: store.add(number, "user", "again"),
            lambda: store.conversation(number),
        ):
            with pytest.raises(StoreError, match="no longer there: another chat may have deleted"):
                act()


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store._db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        Store(tmp_path)


def test_an_export_is_a_new_file_with_the_text_as_it_is(tmp_path: Path) -> None:
    conversation = Conversation(1, "Why? / how", "Be kind", 0.0)
    said = [
        Saved(1, "user", "Why?", "done", ""),
        Saved(2, "assistant", "So:\n\n```\nx\n```", "failed", "Broken.\nQoE 1.00"),
    ]
    paths = [write(tmp_path, conversation, said) for _ in range(2)]
    assert [path.name for path in paths] == ["why-how.md", "why-how-2.md"]
    assert paths[0].read_text() == as_markdown(conversation, said)
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o600]
    assert as_markdown(conversation, said) == (
        "# Why? / how\n\n## System\n\nBe kind\n\n## You\n\nWhy?\n\n## Answer\n\n"
        "So:\n\n```\nx\n```\n\n> Broken.\n> QoE 1.00\n"
    )


def test_an_export_carries_no_control_characters(tmp_path: Path) -> None:
    hostile = "a\x1b[2J\x07\x9b\x7f\u202eb\tc\r\nd\re\ud83d"
    conversation = Conversation(1, hostile, hostile, 0.0)
    said = [Saved(1, "user", hostile, "done", hostile, hostile)]
    text = write(tmp_path, conversation, said).read_bytes().decode()
    assert text.count("a[2Jb\tc\nd\ne\ufffd") >= 4
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], None),
        (["no code", "here"], None),
        (["```\na\n```\n\n~~~py\nb\n~~~\ntext"], "b\n"),
        (["```\na\n```", "none here"], "a\n"),
        (["- list\n\n  ```\n  a\n   b\n  ```"], "a\n b\n"),
        (["```py\nhalf of i"], "half of i"),
        (["    indented"], "indented\n"),
        (["<details>\n```\na\n```\n</details>"], "a\n"),
        (["```\r\na\x1b[2J\u202eb\tc\r\n```"], "a[2Jb\tc\n"),
    ],
)
def test_the_last_code_block_is_found(texts: list[str], code: str | None) -> None:
    found = last_code(texts)
    assert (found.rstrip("\n") if found else found) == (code.rstrip("\n") if code else code)
