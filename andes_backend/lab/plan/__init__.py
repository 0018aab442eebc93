"""`andes plan`: how much load a server can take, and what that comes to in GPUs and money."""

__all__: list[str] = []
