// Saves content on the reader's disk. A link can't send the key, so the bytes are fetched: large ones
// straight into a file where the browser can do that, others as a blob.

import { request } from './api.js'
import { h } from './dom.js'

const LARGE = 64 * 1024 * 1024

/** @typedef {{showSaveFilePicker?: (options: {suggestedName: string}) => Promise<FileSystemFileHandle>}} Picker */

/**
 * @param {string} path
 * @param {string} name
 * @param {number} size
 */
export async function save(path, name, size) {
  const { showSaveFilePicker } = /** @type {Picker} */ (window)
  if (size > LARGE && showSaveFilePicker) {
    const file = await showSaveFilePicker.call(window, { suggestedName: name })
    const answer = await request('GET', path)
    await answer.body?.pipeTo(await file.createWritable())
    return
  }
  const answer = await request('GET', path)
  const url = URL.createObjectURL(await answer.blob())
  h('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
