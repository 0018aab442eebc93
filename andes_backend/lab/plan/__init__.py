"""`andes plan`: how much load a server can take, and what that means in GPUs and money."""

__all__: list[str] = []
