// The page around a terminal program. textual.js connects when everything has loaded; until
// then the page says where to: the server that it came from, whatever name that has.
"use strict"

const LATE_MS = 8000
const FOCUS_MS = 300

// A browser may keep a page that was left by a link for a minute, and its socket open: the program
// would go on for nobody. textual.js keeps its socket to itself.
const sockets = new Set()
window.WebSocket = class extends WebSocket {
  constructor(...how) {
    super(...how)
    sockets.add(this)
  }
}
addEventListener("pagehide", () => sockets.forEach((socket) => socket.close()))

document.addEventListener("DOMContentLoaded", () => {
  const socket = new URL("ws", location.href)
  socket.protocol = socket.protocol.replace("http", "ws")
  socket.search = ""
  document.getElementById("terminal").dataset.sessionWebsocketUrl = socket.href
  document.getElementById("again").onclick = () => location.reload()
  // textual.js marks the first bytes. A Textual program begins as if it had no focus, so it is
  // told of it a little later; else one would have to click before typing.
  const observer = new MutationObserver(() => {
    if (!document.body.classList.contains("-first-byte")) return
    observer.disconnect()
    setTimeout(() => document.querySelector(".xterm-helper-textarea")?.focus(), FOCUS_MS)
  })
  observer.observe(document.body, { attributeFilter: ["class"] })
  setTimeout(() => document.body.classList.add("-late"), LATE_MS)
})
