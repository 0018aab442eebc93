"""Text in step with a voice."""

from andes_client.voice.chunk import Chunk, Word
from andes_client.voice.spoken import BlockingSpoken, Spoken
from andes_client.voice.utterance import Utterance

__all__ = ["BlockingSpoken", "Chunk", "Spoken", "Utterance", "Word"]
