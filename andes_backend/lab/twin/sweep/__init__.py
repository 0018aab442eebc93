"""`andes twin`: many simulations, in parallel, with tables and pictures of what they came to."""

__all__: list[str] = []
