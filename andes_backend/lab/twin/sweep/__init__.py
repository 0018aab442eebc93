"""`andes twin`: many simulations, in parallel, with tables and pictures of the results."""

__all__: list[str] = []
