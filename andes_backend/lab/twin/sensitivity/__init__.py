"""`andes sensitivity`: what is left of a policy's gain where its assumptions do not hold."""

__all__: list[str] = []
