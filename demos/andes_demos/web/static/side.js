// One side of the page: its text, and what can be said of it. Times are seconds since the
// request was submitted, as the server tells them.

const SILENCE_S = 1.0 // a shorter one is not worth a word

export class Side {
  constructor(element) {
    this.text = element.querySelector(".text")
    this.failure = element.querySelector(".failure")
    this.figures = {}
    for (const name of ["silence", "fastest", "words"]) {
      this.figures[name] = element.querySelector("dd." + name)
    }
    this.clear()
  }

  clear() {
    this.node = document.createTextNode("") // never parsed: a text may look like HTML
    this.text.replaceChildren(this.node)
    this.points = [] // [at, words so far]
    this.last = null // when text came last
    this.longest = 0
    this.fastest = 0
    this.oldest = 0 // index of the first point within a second of the last
    this.ended = false
    this.failure.hidden = true
    this.draw(0)
  }

  // All that was shown turned out to be reasoning; returns it.
  takeBack() {
    const text = this.node.data
    this.clear()
    return text
  }

  show(event) {
    this.following(() => this.node.appendData(event.text))
    if (this.last !== null) this.longest = Math.max(this.longest, event.at - this.last)
    this.last = event.at
    this.count(event)
  }

  count(event) {
    this.points.push([event.at, event.words])
    while (this.points[this.oldest][0] < event.at - 1) this.oldest += 1
    const before = this.oldest > 0 ? this.points[this.oldest - 1][1] : 0
    this.fastest = Math.max(this.fastest, event.words - before)
  }

  // Change what is shown, and stay at its tail if that is where the reader is.
  following(change) {
    const box = this.text
    const atTail = box.scrollTop + box.clientHeight > box.scrollHeight - 40
    change()
    if (atTail) box.scrollTop = box.scrollHeight
  }

  // Nothing more comes. Only the end tells that the last word is whole.
  finish(event) {
    this.count(event)
    this.end(event.ended)
  }

  end(message) {
    this.ended = true
    if (message) this.fail(message)
  }

  fail(message) {
    this.failure.firstElementChild.textContent = message
    this.failure.hidden = false
  }

  // The reader took a break: no silence of the server's.
  goOn(now) {
    if (this.last !== null) this.last = now
  }

  words() {
    return this.points.at(-1)[1].toFixed(0)
  }

  draw(now, still = false) {
    const silence = this.ended || still ? 0 : now - (this.last ?? 0)
    const longest = Math.max(this.longest, this.last === null ? 0 : silence)
    this.following(() => this.text.classList.toggle("silent", silence >= SILENCE_S))
    this.text.dataset.silent = silence.toFixed(0)
    const begun = this.last !== null
    this.figures.silence.textContent = begun ? longest.toFixed(1) + " s" : "–"
    this.figures.fastest.textContent = begun ? this.fastest.toFixed(0) + " words" : "–"
    this.figures.words.textContent = begun ? this.words() + " words" : "–"
  }
}
