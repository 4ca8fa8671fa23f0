// The script of the upload page of a ticket: sends a large file in pieces by tus 1.0.0, shows how far it
// is, and goes on where it was after a cut or a reload. Small files are left to the form, and without
// this script all of them. It asks only the service that the page is from.

const LARGE = 4 * 1024 * 1024
const PIECE = 8 * 1024 * 1024
const LONGEST_WAIT = 30_000
const STALLED = 60_000

const ticket = location.pathname.replace(/\/+$/, '')
const form = document.querySelector('form')
const input = form.querySelector('input[type=file]')
const button = form.querySelector('button')
const progress = document.querySelector('progress')
const status = document.querySelector('#status')

/** What no repetition changes; `message` is for the reader. */
class Refused extends Error {}

/** Known of an upload in this tab, so that it goes on after a reload. */
const known = {
  get: () => JSON.parse(sessionStorage.getItem(ticket) ?? 'null'),
  set: (upload) => sessionStorage.setItem(ticket, JSON.stringify(upload)),
  forget: () => sessionStorage.removeItem(ticket),
}

function mark(file) {
  return [file.name, file.size, file.lastModified].join('/')
}

function base64(text) {
  const bytes = new TextEncoder().encode(text)
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

function show(sent, size) {
  progress.hidden = false
  progress.max = size
  progress.value = sent
  const percent = size === 0 ? 100 : Math.floor((100 * sent) / size)
  progress.textContent = `${percent} %`
}

/** One request. XMLHttpRequest tells how much of a body is sent, which fetch doesn't. */
function ask(method, path, headers, body, sending) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, path)
    request.setRequestHeader('Tus-Resumable', '1.0.0')
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, value)
    }
    // A connection may also fall silent without breaking.
    let stalled
    const alive = () => {
      clearTimeout(stalled)
      stalled = setTimeout(() => request.abort(), STALLED)
    }
    request.upload.onprogress = (event) => {
      alive()
      sending?.(event.loaded)
    }
    request.onloadend = () => clearTimeout(stalled)
    request.onload = () => resolve(request)
    request.onerror = request.onabort = () => reject(new Error('The connection broke.'))
    alive()
    request.send(body ?? null)
  })
}

/** The answer, if it is a success; what is worth trying again is an ordinary error. */
function expect(answer) {
  if (answer.status >= 200 && answer.status < 300) {
    return answer
  }
  const again = answer.status >= 500 || [408, 409, 423, 429].includes(answer.status)
  let detail = `The service answered ${answer.status}.`
  try {
    detail = JSON.parse(answer.responseText).detail ?? detail
  } catch {
    // An answer without a body, as to HEAD.
  }
  throw again ? new Error(detail) : new Refused(detail)
}

async function begin(file) {
  const described = [`filename ${base64(file.name)}`]
  if (file.type) {
    described.push(`filetype ${base64(file.type)}`)
  }
  const headers = { 'Upload-Length': file.size, 'Upload-Metadata': described.join(',') }
  const created = expect(await ask('POST', `${ticket}/uploads`, headers))
  const upload = { url: created.getResponseHeader('Location'), mark: mark(file) }
  known.set(upload)
  return upload
}

/** Where the upload goes on. */
async function offsetOf(upload) {
  const answer = await ask('HEAD', upload.url, {})
  if ([404, 410].includes(answer.status)) {
    known.forget()
    throw new Refused('The upload is not known any more. Please start again.')
  }
  return Number(expect(answer).getResponseHeader('Upload-Offset'))
}

/** Sends the piece at `offset`, and returns where the next one begins. */
async function send(file, upload, offset) {
  const piece = file.slice(offset, offset + PIECE)
  const headers = { 'Upload-Offset': offset, 'Content-Type': 'application/offset+octet-stream' }
  const sending = (sent) => show(offset + sent, file.size)
  return expect(await ask('PATCH', upload.url, headers, piece, sending))
}

function pause(tries) {
  const time = Math.min(500 * 2 ** tries, LONGEST_WAIT)
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time)
    addEventListener('online', () => resolve(clearTimeout(timer)), { once: true })
  })
}

async function upload(file) {
  const before = known.get()
  let current = before?.mark === mark(file) ? before : null
  let offset = current ? null : 0
  for (let tries = 0; ; ) {
    try {
      current ??= await begin(file)
      offset ??= await offsetOf(current)
      show(offset, file.size)
      while (offset < file.size) {
        const answer = await send(file, current, offset)
        offset = Number(answer.getResponseHeader('Upload-Offset'))
        tries = 0
        status.textContent = ''
      }
      known.forget()
      return current.url.split('/').pop()
    } catch (error) {
      if (error instanceof Refused) {
        throw error
      }
      status.textContent = `${error.message} Trying again …`
      await pause(tries)
      tries += 1
      offset = null
    }
  }
}

form.addEventListener('submit', async (event) => {
  const [file] = input.files
  const isKnown = known.get()?.mark === (file && mark(file))
  if (!file || (file.size < LARGE && !isKnown)) {
    return
  }
  event.preventDefault()
  const most = form.dataset.most
  if (most && file.size > Number(most)) {
    status.textContent = `The file has more than ${most} bytes.`
    return
  }
  button.disabled = true
  input.disabled = true
  status.textContent = ''
  try {
    const id = await upload(file)
    location.assign(`${ticket}?received=${id}`)
  } catch (error) {
    status.textContent = error.message
    button.disabled = false
    input.disabled = false
    progress.hidden = true
  }
})

if (known.get()) {
  form.hidden = false
  status.textContent = 'An upload was interrupted. Choose the same file again to go on.'
}
