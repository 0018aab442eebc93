#!/usr/bin/env bash
# AIPerf 0.13.0.
#
# Expected:  a tokenizer that lies in a folder needs no network: `--tokenizer FOLDER` works with
#            HF_HUB_OFFLINE=1, as it does in vLLM and transformers, and there above all.
# Happens:   with HF_HUB_OFFLINE=1, or any value (0, too), it takes the folder for the name of a
#            model on the hub and refuses it: "Repo id must be in the form ...". Else it reads it.
# Ours:      benchmarks/other_benchmarks.py unsets it for AIPerf alone.
set -euo pipefail
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT

"${PYTHON:-python3}" -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check aiperf==0.13.0

cat >"$place/program.py" <<'PROGRAM'
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers

folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
words = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1, "world": 2}, unk_token="[UNK]"))
words.pre_tokenizer = pre_tokenizers.Whitespace()
words.save(str(folder / "tokenizer.json"))
about = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
(folder / "tokenizer_config.json").write_text(json.dumps(about))

from aiperf.common.tokenizer import Tokenizer as Theirs

try:
    print("read:", Theirs.from_pretrained(str(folder)).encode("hello world"))
except Exception as error:
    print("refused:", str(error).splitlines()[0])
PROGRAM

run() { HF_HUB_OFFLINE="$1" "$place/venv/bin/python" "$place/program.py" "$place/folder" | tail -1; }
online="$(run "")" offline="$(run 0)"
echo "HF_HUB_OFFLINE=: $online"
echo "HF_HUB_OFFLINE=0: $offline"
if [[ "$online" != read:* || "$offline" != refused:*"Repo id"* ]]; then
  echo "changed: online it was read, and offline it was refused" >&2
  exit 1
fi
