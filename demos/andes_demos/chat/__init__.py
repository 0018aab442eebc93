"""`andes chat`: a chat in the terminal whose answers come at the pace they are read.

Below the screen, nothing knows of Textual: `settings` and `key` (what the person has said),
`server` (HTTP), `body`, `reply` and `words` (what servers send, and what they mean by it), `store`
(what is kept), `reader` (the pace), `turn` (one answer on its way), `session` (all of these
together). Above: `parser` and `document` (Markdown that grows), `thoughts`, `gauge`, `dialogs`,
`talk`, `screen` and `app`.
"""

__all__: list[str] = []
