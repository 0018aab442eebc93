"""Text in step with a voice."""

from andes_client.voice.chunk import Chunk, Word

__all__ = ["Chunk", "Word"]
