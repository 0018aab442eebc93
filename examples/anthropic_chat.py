"""python anthropic_chat.py MODEL QUESTION; set ANTHROPIC_BASE_URL for any compatible server."""

import sys

from anthropic import Anthropic

from andes_client import pace_blocking, reading
from andes_client.sources.anthropic import text_blocking

model, ask = sys.argv[1:]
send = Anthropic().messages.create
stream = send(model=model, max_tokens=999, messages=[{"role": "user", "content": ask}], stream=True)
with pace_blocking(text_blocking(stream), reading()) as paced:
    for words in paced:
        print(words, end="", flush=True)
