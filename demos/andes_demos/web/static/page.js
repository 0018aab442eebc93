// One answer, shown twice. The server paces; this page shows what comes, and tells the server
// how its reader reads. Addresses are relative: the page may be anywhere.

import { drawChart } from "./chart.js"
import { Side } from "./side.js"
import { Thinking } from "./thinking.js"

const FRAME_MS = 100
const KEY_STEP = 1.1 // as of `andes pace`
const LOST = "The connection to the server of this page was lost."

const by = (id) => document.getElementById(id)
const sides = { raw: new Side(by("raw")), paced: new Side(by("paced")) }
const thinking = new Thinking(by("thinking"))
const slider = by("wpm")

let source = null // the events of the answer that is under way
let address = null // where its controls are
let paused = false
let zero = 0 // when it was submitted, in ms on this page's clock
let figures = null // the latest of the reader: { at, qoe, stalls, buffer }
let wanted = null // a speed that the server is to be told next
let telling = false

async function post(where, body) {
  const response = await fetch(where, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })
  const said = response.status === 204 ? {} : await response.json()
  if (!response.ok) throw new Error(said.error)
  return said
}

function say(text) {
  by("status").textContent = text
}

const now = () => (performance.now() - zero) / 1000

async function start() {
  hangUp()
  for (const side of Object.values(sides)) side.clear()
  thinking.clear()
  figures = null
  zero = performance.now()
  setPaused(false)
  by("restart").textContent = "Restart"
  say("Asked; waiting for the first word.")
  const mine = (source = {}) // what stands for this answer until it has its events
  enable(true)
  const told = wpm()
  try {
    const answer = await post("answers", { question: by("question").value, wpm: told })
    if (source !== mine) return
    listen(answer.events)
    if (wpm() !== told) tellSpeed() // it was moved meanwhile
  } catch (error) {
    if (source === mine) lose(error)
  }
}

function listen(events) {
  address = events.replace("/events", "")
  const mine = (source = new EventSource(events))
  mine.onmessage = (message) => take(JSON.parse(message.data))
  mine.addEventListener("done", () => over())
  // By itself it would connect again, and again.
  mine.addEventListener("error", (message) =>
    lose(message.data ? new Error("The server of this page failed; its log says why.") : null),
  )
}

function take(event) {
  zero = Math.min(zero === 0 ? Infinity : zero, performance.now() - event.at * 1000)
  if (event.side === undefined) return think(event)
  const side = sides[event.side]
  if (figures === null && event.text) say("Answering.")
  figures = event
  if (event.text) side.show(event)
  else side.finish(event)
  if (event.side === "raw" && event.ended === null) {
    say("The server is done; the rest comes at your pace.")
  }
  if (event.side === "paced" && event.ended) say("The answer is incomplete.")
  if (event.side === "paced" && event.ended === null) say("Done.")
}

function think(event) {
  if (event.thought) {
    if (figures === null) say("The model is thinking; its answer has not begun.")
    thinking.show(event.thought)
    return
  }
  thinking.show(sides.raw.takeBack())
  sides.paced.clear()
  figures = null
  say("What came so far was reasoning; the answer begins now.")
}

function lose(error) {
  const isOurs = error !== null && !(error instanceof TypeError)
  const message = isOurs && error.message ? error.message : LOST
  for (const side of Object.values(sides)) side.fail(message)
  say("The answer is incomplete.")
  over()
}

function over() {
  draw()
  for (const side of Object.values(sides)) side.end()
  hangUp()
  draw()
}

function hangUp() {
  source?.close?.()
  source = address = wanted = null
  enable(false)
}

function stop() {
  if (source === null) return
  over()
  say("Stopped: the connection is closed, all the way up to the model's server.")
}

function enable(answering) {
  for (const name of ["pause", "reveal", "stop"]) by(name).disabled = !answering
}

async function control(body) {
  if (address === null) return
  try {
    await post(address, body)
  } catch (error) {
    if (address !== null) say(error instanceof TypeError ? LOST : error.message)
  }
}

function setPaused(value) {
  if (paused && !value) sides.paced.goOn(now())
  paused = value
  by("pause").textContent = paused ? "Resume" : "Pause"
}

async function togglePause() {
  if (address === null) return
  await control({ do: paused ? "resume" : "pause" })
  if (source === null) return
  setPaused(!paused)
  say(paused ? "Paused; the page still receives the stream." : "Resumed.")
}

async function reveal() {
  await control({ do: "reveal" })
  if (source !== null) setPaused(false)
}

// Who looks at another tab reads nothing, and a server that knows it serves others first.
function tellVisibility() {
  const what = { do: document.hidden ? "hide" : "show" }
  if (address !== null) post(address, what).catch(() => {}) // it is of no use to the reader
}

const wpm = () => Number(slider.value)

// A slider moves faster than requests go: only the latest speed is told, one at a time.
async function tellSpeed() {
  by("wpm-shown").textContent = wpm()
  slider.setAttribute("aria-valuetext", `${wpm()} words a minute`)
  wanted = wpm()
  if (telling) return
  telling = true
  while (wanted !== null && address !== null) {
    const next = wanted
    wanted = null
    await control({ wpm: next })
  }
  telling = false
}

function changeSpeed(factor) {
  slider.value = wpm() * factor
  tellSpeed()
}

function draw() {
  const at = source === null ? lastMoment() : now()
  sides.raw.draw(at)
  sides.paced.draw(at, paused)
  const begun = sides.raw.last !== null
  const buffer = begun ? Math.max(0, figures.buffer - (paused ? 0 : at - figures.at)) : 0
  by("buffer-bar").value = buffer
  by("buffer").textContent = begun ? buffer.toFixed(1) + " s" : "–"
  by("qoe").textContent = begun ? figures.qoe.toFixed(2) : "–"
  by("stalls").textContent = begun ? `${figures.stalls} ×` : "–"
  drawChart(by("chart"), sides.raw.points, sides.paced.points, at)
}

function lastMoment() {
  const last = [sides.raw.points, sides.paced.points].map((points) => points.at(-1)?.[0] ?? 0)
  return Math.max(...last)
}

const KEYS = {
  " ": togglePause,
  Enter: reveal,
  Escape: stop,
  r: start,
  "+": () => changeSpeed(KEY_STEP),
  "=": () => changeSpeed(KEY_STEP),
  "-": () => changeSpeed(1 / KEY_STEP),
}

function pressed(event) {
  const typing = event.target.closest("input:not([type=range]), button, summary")
  const act = KEYS[event.key]
  if (!act || event.ctrlKey || event.altKey || event.metaKey) return
  if (typing && event.key !== "Escape") return
  event.preventDefault()
  act()
}

async function begin() {
  by("controls").addEventListener("submit", (event) => {
    event.preventDefault()
    start()
  })
  by("pause").onclick = togglePause
  by("reveal").onclick = reveal
  by("stop").onclick = stop
  for (const side of Object.values(sides)) side.failure.querySelector("button").onclick = start
  slider.addEventListener("input", tellSpeed)
  document.addEventListener("keydown", pressed)
  document.addEventListener("visibilitychange", tellVisibility)
  addEventListener("pagehide", stop) // the browser may keep the page, and show it again
  addEventListener("resize", draw)
  setInterval(() => source !== null && draw(), FRAME_MS)
  const settings = await (await fetch("settings")).json()
  slider.min = Math.min(slider.min, settings.wpm)
  slider.max = Math.max(slider.max, settings.wpm)
  slider.value = settings.wpm
  tellSpeed()
  by("place").textContent = settings.place
  by("asking").hidden = !settings.takes_questions
  draw()
  if (settings.takes_questions) by("question").focus()
  else start()
}

begin()
