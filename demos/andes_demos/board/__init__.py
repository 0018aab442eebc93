"""`andes board`: what a server's requests go through, under stock vLLM and under Andes.

- `race`: the same arrivals at two simulated servers, and every request as its reader sees it
- `live`: the figures of a real server, from its `/metrics`
- `view`, `panel`, `chart`, `app`: what a person sees
"""

__all__: list[str] = []
