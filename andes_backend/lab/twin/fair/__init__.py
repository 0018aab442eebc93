"""Who gets how much of a server that several users share, under each policy: `andes fair`."""

__all__: list[str] = []
