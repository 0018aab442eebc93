// The page around a terminal program. textual.js connects when everything has loaded; until
// then the page says where to: the server that it came from, whatever name that has.
"use strict"

const LATE_MS = 8000

document.addEventListener("DOMContentLoaded", () => {
  const socket = new URL("ws", location.href)
  socket.protocol = socket.protocol.replace("http", "ws")
  socket.search = ""
  document.getElementById("terminal").dataset.sessionWebsocketUrl = socket.href
  document.getElementById("again").onclick = () => location.reload()
  setTimeout(() => document.body.classList.add("-late"), LATE_MS)
})
