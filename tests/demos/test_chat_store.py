"""What is kept of conversations, and that it is there after anything."""

import itertools
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
    assert as_markdown(conversation, said) == (
        "# Why? / how\n\n## System\n\nBe kind\n\n## You\n\nWhy?\n\n## Answer\n\n"
        "So:\n\n```\nx\n```\n\n> Broken.\n> QoE 1.00\n"
    )


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
    ],
)
def test_the_last_code_block_is_found(texts: list[str], code: str | None) -> None:
    found = last_code(texts)
    assert (found.rstrip("\n") if found else found) == (code.rstrip("\n") if code else code)
