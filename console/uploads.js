// The panel of uploads: what is dropped or chosen anywhere in the console, a few at a time, until it is
// active. It stays while pages come and go, but for what went well.

import { documentPath, get } from './api.js'
import { bytes, fill, h, link } from './dom.js'
import { upload } from './tus.js'

const AT_ONCE = 3
const MOST = 10_000
const MOST_SHOWN = 200

/**
 * @typedef {object} Item
 * @property {File} file
 * @property {string} target the document of which it is a version, or nothing
 * @property {AbortController} control
 * @property {HTMLElement} row
 * @property {HTMLProgressElement} bar
 * @property {HTMLElement} state
 */

/** @type {Item[]} */
const waiting = []
let running = 0
let ended = 0
let total = 0

const rows = h('ul', {})
const summary = h('h2', {}, 'Uploads')
const clear = h('button', { type: 'button', class: 'plain' }, 'Clear')
export const panel = h('section', { class: 'uploads', 'aria-label': 'Uploads', hidden: true }, h('div', { class: 'heading' }, summary, clear), rows)

clear.onclick = () => clearAll('.ended')

/** Whoever goes to another page has seen what went well. */
export const leavePage = () => clearAll('.ended:not(.failed)')

/** @param {string} which */
function clearAll(which) {
  for (const row of rows.querySelectorAll(`:scope > ${which}`)) {
    row.remove()
  }
  panel.hidden = rows.children.length === 0
}

/**
 * Adds files to what is uploaded.
 * @param {Iterable<File>} files
 * @param {string} [target]
 */
export function uploadFiles(files, target = '') {
  for (const file of files) {
    if (waiting.length >= MOST) {
      break
    }
    waiting.push(itemOf(file, target))
    total += 1
  }
  panel.hidden = total === 0
  next()
}

/** Whether something is being uploaded. */
export const isUploading = () => running > 0 || waiting.length > 0

/** @param {File} file @param {string} target @returns {Item} */
function itemOf(file, target) {
  const bar = h('progress', { max: Math.max(file.size, 1), value: 0, 'aria-label': `Sent of ${file.name}` })
  const state = h('span', { class: 'quiet' }, 'waiting')
  const cancel = h('button', { type: 'button', class: 'plain', 'aria-label': `Cancel ${file.name}` }, '×')
  const name = h('span', { class: 'name' }, file.name)
  const row = h('li', {}, name, h('span', { class: 'quiet size' }, bytes(file.size)), bar, state, cancel)
  const control = new AbortController()
  cancel.onclick = () => {
    control.abort()
    row.remove()
  }
  if (rows.children.length < MOST_SHOWN) {
    rows.append(row)
  }
  return { file, target, control, row, bar, state }
}

function next() {
  summary.textContent = `Uploads: ${ended} of ${total}`
  panel.classList.toggle('idle', ended === total)
  while (running < AT_ONCE) {
    const item = waiting.shift()
    if (!item) {
      return
    }
    running += 1
    void send(item).finally(() => {
      running -= 1
      ended += 1
      next()
    })
  }
}

/** @param {Item} item */
async function send({ file, target, control, row, bar, state }) {
  const { signal } = control
  if (signal.aborted) {
    return
  }
  if (!row.isConnected) {
    rows.append(row)
  }
  try {
    const id = await upload(file, target, {
      sent: (sent) => {
        bar.value = sent
        state.textContent = file.size > 0 ? `${Math.floor((100 * Math.min(sent, file.size)) / file.size)} %` : ''
      },
      retries: (why) => {
        state.textContent = `${why} Trying again …`
      },
      signal,
    })
    bar.value = bar.max
    state.textContent = 'processing'
    await settled(id, state, signal)
    row.classList.add('ended')
  } catch (error) {
    row.classList.add('ended', 'failed')
    state.textContent = signal.aborted ? 'cancelled' : /** @type {Error} */ (error).message
  }
}

/** @param {string} id @param {HTMLElement} state @param {AbortSignal} signal */
async function settled(id, state, signal) {
  const open = (/** @type {string} */ words) => fill(state, h('a', { href: link(`documents/${id}`) }, words))
  open('processing')
  for (let looks = 0; looks < 30; looks += 1) {
    const found = await get(`${documentPath(id)}?wait=20`, { signal })
    if (found.status !== 'pending') {
      open(found.error ? `${found.status}: ${found.error.detail}` : found.status)
      return
    }
  }
}

/**
 * Lets files be dropped anywhere; folders are walked.
 * @param {HTMLElement} area
 */
export function acceptDrops(area) {
  let over = 0
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') === true
  addEventListener('dragenter', (event) => hasFiles(event) && ((over += 1), area.classList.add('dropping')))
  addEventListener('dragleave', (event) => hasFiles(event) && (over -= 1) <= 0 && area.classList.remove('dropping'))
  addEventListener('dragover', (event) => hasFiles(event) && event.preventDefault())
  addEventListener('drop', async (event) => {
    over = 0
    area.classList.remove('dropping')
    if (!hasFiles(event) || !event.dataTransfer) {
      return
    }
    event.preventDefault()
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.())
    const files = [...event.dataTransfer.files]
    const hasFolder = entries.some((entry) => entry?.isDirectory)
    uploadFiles(hasFolder ? await filesIn(entries) : files)
  })
}

/** @param {(FileSystemEntry | null | undefined)[]} entries */
async function filesIn(entries) {
  /** @type {File[]} */
  const files = []
  const left = entries.filter((entry) => entry !== null && entry !== undefined)
  while (left.length > 0 && files.length < MOST) {
    const entry = left.pop()
    if (entry?.isFile) {
      const file = /** @type {FileSystemFileEntry} */ (entry)
      files.push(await new Promise((resolve, reject) => file.file(resolve, reject)))
    } else if (entry) {
      const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader()
      for (;;) {
        /** @type {FileSystemEntry[]} */
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))
        if (some.length === 0) {
          break
        }
        left.push(...some)
      }
    }
  }
  return files
}
