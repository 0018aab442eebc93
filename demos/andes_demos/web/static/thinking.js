// What the model thought before it answered: folded, and never paced.

export class Thinking {
  constructor(element) {
    this.element = element
    this.text = element.querySelector(".text")
    this.words = element.querySelector(".words")
    this.clear()
  }

  clear() {
    this.node = document.createTextNode("") // never parsed: a text may look like HTML
    this.text.replaceChildren(this.node)
    this.count = 0
    this.inWord = false
    this.element.hidden = true
    this.element.open = false
  }

  show(text) {
    this.node.appendData(text)
    this.element.hidden = false
    const words = text.match(/\S+/gu)?.length ?? 0
    this.count += words - (this.inWord && /^\S/u.test(text) ? 1 : 0)
    this.inWord = /\S$/u.test(text)
    this.words.textContent = this.count === 1 ? "1 word" : `${this.count} words`
  }
}
