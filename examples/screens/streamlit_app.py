"""streamlit run streamlit_app.py; set OPENAI_API_KEY."""

from collections.abc import Iterable, Iterator

import streamlit as st
from openai import OpenAI

from andes_client import pace_blocking, reading
from andes_client.sources.openai import text_blocking


def words(paced: Iterable[str]) -> Iterator[str]:
    for text in paced:
        st.session_state.get("-")  # in a silence, too: Streamlit ends a script that is over here
        yield text


if question := st.chat_input("Ask"):
    stream = OpenAI().chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": question}], stream=True
    )
    with pace_blocking(text_blocking(stream), reading(), tick=0.25) as paced:
        st.chat_message("assistant").write_stream(words(paced))
