"""What holds for all sources: they are light to import, and say what they are."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import andes_client.sources

MODULES = [
    "andes_client.transport",
    *(
        f"andes_client.sources.{module.name}"
        for module in pkgutil.iter_modules(andes_client.sources.__path__)
    ),
]
SOURCES = ["anthropic", "cohere", "gemini", "langchain", "litellm", "mistral", "ollama", "openai"]


def test_no_source_imports_its_sdk() -> None:
    """They are told apart by what they have, not by what they are."""
    program = f"import sys, {', '.join(MODULES)}; print('\\n'.join(sys.modules))"
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout
    loaded = set(out.split())
    assert set(MODULES) <= loaded
    assert not loaded & {
        "anthropic",
        "httpx",
        "httpx2",
        "langchain_core",
        "litellm",
        "openai",
        "pydantic",
    }


@pytest.mark.parametrize("name", SOURCES)
def test_every_sdk_is_read_alike(name: str) -> None:
    source = importlib.import_module(f"andes_client.sources.{name}")
    assert {"split", "text"} <= set(source.__all__)
