"""Text in step with a voice."""

from andes_client.voice.chunk import Chunk, Word
from andes_client.voice.chunks import BlockingChunks, Chunks, chunks, chunks_blocking
from andes_client.voice.cutter import Cutter

__all__ = ["BlockingChunks", "Chunk", "Chunks", "Cutter", "Word", "chunks", "chunks_blocking"]
