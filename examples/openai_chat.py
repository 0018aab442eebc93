"""python openai_chat.py MODEL QUESTION; set OPENAI_BASE_URL for any compatible server."""

import sys

from openai import OpenAI

from andes_client import pace_blocking, reading
from andes_client.sources.openai import text_blocking

model, ask = sys.argv[1:]
send = OpenAI().chat.completions.create
stream = send(model=model, messages=[{"role": "user", "content": ask}], stream=True)
with pace_blocking(text_blocking(stream), reading()) as paced:
    for words in paced:
        print(words, end="", flush=True)
