// Uploads a file by tus 1.0.0: in pieces, with progress, and on where it was after a cut or a reload of
// the page. Knows the API alone, nothing of pages.

import { key, pause } from './api.js'

const PIECE = 8 * 1024 * 1024
const LONGEST_PAUSE = 30
const STALLED = 60_000

/** What no repetition changes. */
export class UploadRefused extends Error {}

/**
 * @typedef {object} Watcher
 * @property {(sent: number) => void} sent bytes that are sent
 * @property {(why: string) => void} retries a cut, before the next try
 * @property {AbortSignal} signal
 */

/** @param {string} text */
function base64(text) {
  const encoded = new TextEncoder().encode(text)
  return btoa(Array.from(encoded, (byte) => String.fromCharCode(byte)).join(''))
}

/**
 * Where an upload of this file by this key is remembered in this tab.
 * @param {File} file
 * @param {string} target
 */
const placeOf = (file, target) => `dossier.upload/${target}/${file.name}/${file.size}/${file.lastModified}`

/**
 * One request. XMLHttpRequest tells how much of a body is sent, which fetch doesn't.
 * @param {string} method
 * @param {string} path
 * @param {Record<string, string | number>} headers
 * @param {{body?: Blob, sent?: (bytes: number) => void, signal: AbortSignal}} options
 * @returns {Promise<XMLHttpRequest>}
 */
function ask(method, path, headers, { body, sent, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    signal.throwIfAborted()
    request.open(method, path)
    request.setRequestHeader('Tus-Resumable', '1.0.0')
    request.setRequestHeader('Authorization', `Bearer ${key.get() ?? ''}`)
    for (const [name, value] of Object.entries(headers)) {
      request.setRequestHeader(name, String(value))
    }
    // A connection may also fall silent without breaking.
    let stalled = 0
    const alive = () => {
      clearTimeout(stalled)
      stalled = window.setTimeout(() => request.abort(), STALLED)
    }
    const cancel = () => request.abort()
    signal.addEventListener('abort', cancel, { once: true })
    request.upload.onprogress = (event) => {
      alive()
      sent?.(event.loaded)
    }
    request.onload = () => resolve(request)
    request.onerror = request.onabort = () => reject(new Error('The connection broke.'))
    request.onloadend = () => {
      clearTimeout(stalled)
      signal.removeEventListener('abort', cancel)
    }
    alive()
    request.send(body ?? null)
  })
}

/** @param {XMLHttpRequest} answer */
function expect(answer) {
  if (answer.status >= 200 && answer.status < 300) {
    return answer
  }
  let detail = `The service answered ${answer.status}.`
  try {
    detail = JSON.parse(answer.responseText).detail ?? detail
  } catch {
    // An answer without a body, as to HEAD.
  }
  const again = answer.status >= 500 || [408, 409, 423, 429].includes(answer.status)
  throw again ? new Error(detail) : new UploadRefused(detail)
}

/**
 * @param {File} file
 * @param {string} document
 * @param {AbortSignal} signal
 */
async function create(file, document, signal) {
  const described = [`filename ${base64(file.name)}`]
  if (file.type) {
    described.push(`filetype ${base64(file.type)}`)
  }
  if (document) {
    described.push(`document_id ${base64(document)}`)
  }
  const headers = { 'Upload-Length': file.size, 'Upload-Metadata': described.join(',') }
  const created = expect(await ask('POST', '/v1/uploads', headers, { signal }))
  const url = new URL(created.getResponseHeader('Location') ?? '', location.href).pathname
  return { url, document: created.getResponseHeader('Dossier-Document') }
}

/**
 * Uploads a file, as a document or as a version of one. Returns the id of the document.
 * @param {File} file
 * @param {string} target the document of which it is a version; empty for a new one
 * @param {Watcher} watcher
 * @returns {Promise<string>}
 */
export async function upload(file, target, { sent, retries, signal }) {
  const place = placeOf(file, target)
  let url = sessionStorage.getItem(place)
  let offset = url ? -1 : 0
  for (let wait = 0.5; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    try {
      if (!url) {
        const created = await create(file, target, signal)
        if (created.document) {
          return created.document
        }
        url = created.url
        sessionStorage.setItem(place, url)
      }
      if (offset < 0) {
        const answer = await ask('HEAD', url, {}, { signal })
        if ([404, 410].includes(answer.status)) {
          sessionStorage.removeItem(place)
          url = null
          offset = 0
          continue
        }
        const document = expect(answer).getResponseHeader('Dossier-Document')
        if (document) {
          sessionStorage.removeItem(place)
          return document
        }
        offset = Number(answer.getResponseHeader('Upload-Offset'))
      }
      for (;;) {
        sent(offset)
        const from = offset
        const answer = await ask(
          'PATCH',
          url,
          { 'Upload-Offset': offset, 'Content-Type': 'application/offset+octet-stream' },
          { body: file.slice(offset, offset + PIECE), sent: (bytes) => sent(from + bytes), signal },
        )
        offset = Number(expect(answer).getResponseHeader('Upload-Offset'))
        wait = 0.5
        const document = answer.getResponseHeader('Dossier-Document')
        if (document) {
          sessionStorage.removeItem(place)
          return document
        }
      }
    } catch (error) {
      if (signal.aborted || error instanceof UploadRefused) {
        sessionStorage.removeItem(place)
        if (signal.aborted && url) {
          // What it holds of the quota is given back.
          void ask('DELETE', url, {}, { signal: new AbortController().signal }).catch(() => {})
        }
        throw error
      }
      retries(/** @type {Error} */ (error).message)
      await pause(wait, signal)
      offset = -1
    }
  }
}
