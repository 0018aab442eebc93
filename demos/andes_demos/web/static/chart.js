// Words over seconds: both sides as lines, and between them what the reader has in hand.

const SVG = "http://www.w3.org/2000/svg"
const LEFT = 46
const RIGHT = 12
const TOP = 8
const BOTTOM = 22

// A round step that leaves at most `most` of them up to `top`.
function stepFor(top, most) {
  const base = 10 ** Math.floor(Math.log10(top / most))
  return [1, 2, 5, 10].map((factor) => factor * base).find((step) => top / step <= most)
}

function make(name, attributes, text) {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  if (text !== undefined) element.textContent = text
  return element
}

export function drawChart(svg, raw, paced, now) {
  const width = svg.clientWidth
  const height = svg.clientHeight
  const seconds = Math.max(10, now)
  const words = Math.max(20, raw.at(-1)?.[1] ?? 0) * 1.06
  const x = (at) => LEFT + (at / seconds) * (width - LEFT - RIGHT)
  const y = (count) => height - BOTTOM - (count / words) * (height - TOP - BOTTOM)

  // Steps: the words are there from their moment on.
  const line = (points) => {
    let path = `M${x(0).toFixed(1)} ${y(0).toFixed(1)}`
    for (const [at, count] of points) path += `H${x(at).toFixed(1)}V${y(count).toFixed(1)}`
    return path + `H${x(now).toFixed(1)}`
  }
  const back = (points) => {
    let path = ""
    for (const [at, count] of points.toReversed()) {
      path += `V${y(count).toFixed(1)}H${x(at).toFixed(1)}`
    }
    return path + `V${y(0).toFixed(1)}Z`
  }

  const parts = []
  const perWords = stepFor(words, 5)
  for (let count = 0; count <= words; count += perWords) {
    parts.push(make("path", { class: "axis", d: `M${LEFT} ${y(count)}H${width - RIGHT}` }))
    const place = { x: LEFT - 6, y: y(count) + 4, "text-anchor": "end" }
    parts.push(make("text", place, count === 0 ? "words" : String(count)))
  }
  const perSeconds = stepFor(seconds, width < 500 ? 5 : 10)
  for (let at = 0; at <= seconds; at += perSeconds) {
    parts.push(make("text", { x: x(at), y: height - 5, "text-anchor": "middle" }, `${at} s`))
  }
  if (raw.length > 0) {
    parts.push(make("path", { class: "hand", d: line(raw) + back(paced) }))
    parts.push(make("path", { class: "raw", d: line(raw) }))
    parts.push(make("path", { class: "paced", d: line(paced) }))
    const end = { x: Math.max(x(now) - 6, LEFT + 60), "text-anchor": "end" }
    parts.push(make("text", { ...end, class: "raw", y: y(raw.at(-1)[1]) + 14 }, "raw"))
    const count = paced.at(-1)?.[1] ?? 0
    if (y(count) - y(raw.at(-1)[1]) > 36) {
      parts.push(make("text", { ...end, class: "paced", y: y(count) + 18 }, "paced"))
    }
  }
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  svg.replaceChildren(...parts)
}
