"""What all campaigns have in common: many tasks in processes, their results kept, a report.

A campaign begins with a spec: what a person asked for. `andes twin`, `andes sensitivity`,
`andes fair` and `andes plan` are campaigns; each adds its own tasks and report.
"""

__all__: list[str] = []
