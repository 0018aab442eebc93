"""`andes demo`: the three scenarios of the paper's Figure 1, raw and paced, side by side.

- `scenario`: in which rhythm a server sends; `server` sends in it, over HTTP
- `stream`, `run`: one stream read and paced, and what its reader makes of it while it runs
- `reader`, `measures`: what each side has shown, and how that was for its reader
- `chart`, `panel`, `column`, `keys`, `app`, `picture`: what a person sees
- `plain`: the same where there is no terminal
"""

__all__: list[str] = []
