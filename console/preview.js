// Shows the content of a document without running anything of it: images and PDF as blobs of a type that
// is known to be harmless, texts as text.

import { documentPath, request } from './api.js'
import { bytes, fill, h } from './dom.js'
import { problem } from './parts.js'

/** @typedef {import('./api.js').Schemas['Document']} Document */

/** Types that browsers show as images; SVG, which may hold scripts, is shown as text. */
const IMAGES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp']
const TEXTS = ['application/json', 'application/xml', 'application/yaml', 'application/toml', 'application/javascript', 'application/sql', 'image/svg+xml']
const MOST_TEXT = 64 * 1024
const MOST_BYTES = 32 * 1024 * 1024

/**
 * @param {Element} place
 * @param {Document} document
 * @param {AbortSignal} signal
 */
export async function preview(place, document, signal) {
  const type = document.mime_type ?? ''
  if (document.status !== 'active') {
    fill(place, h('p', { class: 'quiet' }, document.status === 'pending' ? 'The preview comes when the document is active.' : 'There is no preview while the document isn’t active.'))
    return
  }
  const isText = type.startsWith('text/') || TEXTS.includes(type) || type.endsWith('+json') || type.endsWith('+xml')
  const isShown = IMAGES.includes(type) || type === 'application/pdf'
  if (!isText && (!isShown || document.size_bytes > MOST_BYTES)) {
    fill(place, h('p', { class: 'quiet' }, isShown ? `It is too large to show here (${bytes(document.size_bytes)}). Download it.` : `There is no preview of ${type || 'this type'}. Download it.`))
    return
  }
  fill(place, h('p', { class: 'quiet' }, 'Loading …'))
  try {
    const content = `${documentPath(document.id)}/content`
    if (isText) {
      await showText(place, content, document, signal)
      return
    }
    const answer = await request('GET', content, { signal })
    const blob = new Blob([await answer.arrayBuffer()], { type })
    const url = URL.createObjectURL(blob)
    signal.addEventListener('abort', () => URL.revokeObjectURL(url), { once: true })
    fill(place, type === 'application/pdf'
      ? h('iframe', { src: url, title: `Preview of ${document.name}` })
      : h('img', { src: url, alt: `Preview of ${document.name}` }))
  } catch (error) {
    if (!signal.aborted) {
      fill(place, problem(error, () => void preview(place, document, signal)))
    }
  }
}

/** @param {Element} place @param {string} content @param {Document} document @param {AbortSignal} signal */
async function showText(place, content, document, signal) {
  const isWhole = document.size_bytes <= MOST_TEXT
  const headers = isWhole ? undefined : { Range: `bytes=0-${MOST_TEXT - 1}` }
  const answer = await request('GET', content, { signal, ...(headers ? { headers } : {}) })
  const text = new TextDecoder().decode(await answer.arrayBuffer())
  fill(place, h('pre', { tabindex: 0, role: 'region', 'aria-label': `Preview of ${document.name}` }, text),
    isWhole ? null : h('p', { class: 'quiet' }, `The first ${bytes(MOST_TEXT)} of ${bytes(document.size_bytes)}.`))
}
