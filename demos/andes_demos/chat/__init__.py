"""`andes chat`: a chat in the terminal whose answers come at the pace they are read.

Below the screen, nothing knows of Textual: `settings` and `key` (what the person has said),
`server` (HTTP), `store` (what is kept), `reader` (the pace), `turn` (one answer on its way),
`session` (all of these together). Above: `document` (Markdown that grows), `gauge`,
`dialogs`, `talk`, `screen` and `app`.
"""

__all__: list[str] = []
