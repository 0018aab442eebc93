"""Text in step with a voice."""

from andes_client.voice.chunk import Chunk, Word
from andes_client.voice.chunks import BlockingChunks, Chunks, chunks, chunks_blocking
from andes_client.voice.cutter import Cutter
from andes_client.voice.spoken import BlockingSpoken, Spoken
from andes_client.voice.utterance import Utterance

__all__ = [
    "BlockingChunks",
    "BlockingSpoken",
    "Chunk",
    "Chunks",
    "Cutter",
    "Spoken",
    "Utterance",
    "Word",
    "chunks",
    "chunks_blocking",
]
