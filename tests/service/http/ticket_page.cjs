// Runs the script of a ticket's upload page, as the service serves it, with as much of a browser as it
// uses. The connection of the second piece breaks in the middle. Prints where the page goes at the end.
const fs = require('fs')
const http = require('http')
const { File } = require('buffer')

const [api, ticket, path] = process.argv.slice(2)
const file = new File([fs.readFileSync(path)], 'noise.bin', { type: 'application/x-noise' })
const stored = new Map()
let pieces = 0
let submit

class XMLHttpRequest {
  upload = {}
  headers = {}

  open(method, path) {
    this.method = method
    this.path = path
  }

  setRequestHeader(name, value) {
    this.headers[name] = value
  }

  getResponseHeader(name) {
    return this.answer.headers[name.toLowerCase()] ?? null
  }

  abort() {
    this.request.destroy()
  }

  async send(body) {
    const bytes = body ? Buffer.from(await body.arrayBuffer()) : Buffer.alloc(0)
    const headers = { ...this.headers, 'Content-Length': bytes.length }
    this.request = http.request(api + this.path, { method: this.method, headers })
    this.request.on('response', (answer) => {
      this.answer = answer
      this.status = answer.statusCode
      this.responseText = ''
      answer.on('data', (chunk) => (this.responseText += chunk))
      answer.on('end', () => this.ends(this.onload))
    })
    this.request.on('error', () => this.ends(this.onerror))
    if (this.method === 'PATCH' && ++pieces === 2) {
      this.request.write(bytes.subarray(0, bytes.length / 2), () => this.request.destroy(new Error('cut')))
      return
    }
    this.upload.onprogress({ loaded: bytes.length })
    this.request.end(bytes)
  }

  ends(how) {
    how()
    this.onloadend()
  }
}

const input = { files: [file] }
const form = {
  dataset: {},
  querySelector: (selector) => (selector === 'button' ? {} : input),
  addEventListener: (_, listener) => (submit = listener),
}
const status = {}
Object.assign(globalThis, {
  XMLHttpRequest,
  addEventListener: () => {},
  document: { querySelector: (selector) => (selector === 'form' ? form : selector === '#status' ? status : {}) },
  location: { pathname: ticket, assign: (url) => console.log(url) },
  sessionStorage: {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  },
})

async function run() {
  const script = await (await fetch(`${api}/ticket.js`)).text()
  await import(`data:text/javascript,${encodeURIComponent(script)}`)
  await submit({ preventDefault: () => {} })
  if (stored.size > 0 || status.textContent) {
    throw new Error(`${stored.size} ${status.textContent}`)
  }
}

run().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
