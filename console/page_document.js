// The page of a document: what it is, a preview, its versions and timeline, and what can be done with it.

import { change, documentPath, get, request } from './api.js'
import { add, bytes, fill, h, moment } from './dom.js'
import { subscribe } from './live.js'
import { badge, button, confirm, facts, field, form, heading, list, notify, text } from './parts.js'
import { preview } from './preview.js'
import { save } from './save.js'
import { uploadFiles } from './uploads.js'

/** @typedef {import('./api.js').Schemas['Document']} Document */
/** @typedef {import('./api.js').Schemas['Version']} Version */
/** @typedef {import('./api.js').Schemas['TimelineEntry']} Entry */
/** @typedef {import('./app.js').Context} Context */

/** @param {Context} context */
export async function document({ main, parts, signal }) {
  const id = parts[0] ?? ''
  const path = documentPath(id)
  const top = h('div', {})
  const shown = h('section', { class: 'preview', 'aria-label': 'Preview' })
  const edit = h('div', {})
  fill(main, top, h('p', { class: 'quiet' }, 'Loading …'))
  /** @type {Document} */
  let now = await get(path, { signal })
  let previewed = ''

  const versions = list({
    caption: 'Versions',
    columns: ['Version', 'Status', 'Type', 'Size', 'Created', ''],
    path: `${path}/versions`,
    query: { limit: 20 },
    signal,
    row: (/** @type {Version} */ version) => [
      String(version.number),
      h('span', {}, badge(version.status), version.number === now.version ? h('span', { class: 'badge' }, 'current') : null),
      version.mime_type ?? '–',
      bytes(version.size_bytes),
      moment(version.created_at),
      h('span', { class: 'actions' }, ...ofVersion(version)),
    ],
    empty: 'There is no version.',
  })
  const timeline = list({
    caption: 'Timeline',
    columns: ['When', 'What', 'Version', 'Attempt', 'Took', 'Worker'],
    path: `${path}/timeline`,
    query: { limit: 100 },
    signal,
    row: (/** @type {Entry} */ entry) => [
      moment(entry.at), h('span', {}, entry.kind, entry.code ? h('span', { class: 'badge bad' }, entry.code) : null),
      entry.version === null || entry.version === undefined ? '–' : String(entry.version), entry.attempt === null || entry.attempt === undefined ? '–' : String(entry.attempt),
      entry.duration_ms === null || entry.duration_ms === undefined ? '–' : `${entry.duration_ms} ms`, entry.worker ?? '–',
    ],
    empty: 'Nothing has happened yet.',
  })

  /** @param {Version} version */
  function ofVersion(version) {
    if (version.status !== 'active') {
      return []
    }
    const place = `${path}/versions/${version.number}`
    const name = `version ${version.number}`
    return [
      button('Download', () => save(`${place}/content`, now.name, version.size_bytes), { class: 'plain', 'aria-label': `Download ${name}` }),
      version.number === now.version ? null : button('Restore', () => act('POST', `${place}/restore`), { class: 'plain', 'aria-label': `Restore ${name}` }),
      version.number === now.version ? null : button('Delete', () => confirm('Delete a version', `The bytes of ${name} can’t be brought back.`, 'Delete', () => act('DELETE', place)), { class: 'plain', 'aria-label': `Delete ${name}` }),
    ]
  }

  /** @param {string} method @param {string} where */
  async function act(method, where) {
    await change(method, where)
    await reload()
  }

  async function reload() {
    now = await get(path, { signal })
    draw()
    await Promise.all([versions.reload(), timeline.reload()])
  }

  function draw() {
    const replace = h('input', { type: 'file', class: 'away', 'aria-label': 'New version', tabindex: -1 })
    replace.onchange = () => uploadFiles([...(replace.files ?? [])], id)
    const isActive = now.status === 'active'
    fill(top,
      heading(now.name, replace,
        isActive ? button('Download', () => save(`${path}/content`, now.name, now.size_bytes), { class: 'primary' }) : null,
        isActive || now.status === 'error' ? button('New version', () => replace.click()) : null,
        isActive ? button('Archive', () => act('POST', `${path}/archive`)) : null,
        now.status === 'archived' ? button('Restore', () => act('POST', `${path}/restore`), { class: 'primary' }) : null,
        now.error?.retryable ? button('Retry', () => act('POST', `${path}/retry`), { class: 'primary' }) : null,
        button('Delete', () => confirm('Delete this document', `${now.name} and its versions can’t be brought back.`, 'Delete', async () => {
          await change('DELETE', path)
          location.hash = '#/documents'
        }), { class: 'danger' })),
      now.error ? h('div', { class: 'problem' }, h('p', {}, h('strong', {}, `${now.error.code}: ${now.error.detail}`), now.error.retryable ? ' Its bytes are kept for a while: retry.' : ' Upload the file again, or delete this document.')) : null,
      facts([
        ['Status', badge(now.status)],
        ['Type', h('span', {}, now.mime_type ?? '–', now.type_mismatch ? h('span', { class: 'badge warn' }, `declared as ${now.declared_type ?? 'another'}`) : null)],
        ['Size', bytes(now.size_bytes)],
        ['Version', `${now.version ?? '–'} of ${now.latest_version}`],
        ['Created', moment(now.created_at)],
        ['Updated', moment(now.updated_at)],
        ['Public at', now.is_public && isActive ? h('a', { href: `/public/${now.unique_name}/content` }, `/public/${now.unique_name}`) : '–'],
        ['SHA-256', h('code', {}, now.sha256 ?? '–')],
        ['Id', h('code', {}, now.id)],
      ]))
    const content = `${now.sha256} ${isActive}`
    if (content !== previewed) {
      previewed = content
      void preview(shown, now, signal)
    }
  }

  function drawEdit() {
    const metadata = h('textarea', { name: 'metadata', rows: 6, spellcheck: 'false' }, JSON.stringify(now.metadata, null, 2))
    fill(edit, form('Save', async (data) => {
      const tag = `"r${now.revision}"`
      const unique = text(data, 'unique_name') ?? null
      await request('PATCH', path, {
        headers: { 'If-Match': tag, 'Content-Type': 'application/merge-patch+json' },
        body: JSON.stringify({ name: text(data, 'name') ?? '', unique_name: unique, is_public: data.has('is_public'), metadata: replaced(now.metadata, metadata.value) }),
      })
      notify('Saved.')
      await reload()
      drawEdit()
    },
    field('Name', h('input', { name: 'name', value: now.name, required: true, maxlength: 255 })),
    field('Unique name', h('input', { name: 'unique_name', value: now.unique_name ?? '' }), 'Letters a–z, digits, dots, dashes; unique in the whole service.'),
    h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'is_public', checked: now.is_public }), 'Public: anybody may read it by its unique name'),
    field('Metadata', metadata, 'A JSON object.')))
  }

  let timer = 0
  subscribe((event) => {
    if (event.document_id !== id) {
      return
    }
    if (event.type === 'document.deleted') {
      fill(main, heading('Deleted'), h('p', {}, 'This document is gone. ', h('a', { href: '#/documents' }, 'To the documents')))
      return
    }
    clearTimeout(timer)
    timer = window.setTimeout(() => reload().catch((error) => !signal.aborted && notify(error.message)), 100)
  }, signal)

  draw()
  drawEdit()
  fill(main, top)
  add(main, h('div', { class: 'columns' }, shown, h('section', { 'aria-label': 'Edit' }, h('h2', {}, 'Edit'), edit)),
    h('h2', {}, 'Versions'), versions.element, h('h2', {}, 'Timeline'), timeline.element)
}

/**
 * The merge patch that makes metadata of a text.
 * @param {Record<string, unknown>} before
 * @param {string} written
 */
function replaced(before, written) {
  /** @type {Record<string, unknown>} */
  let after
  try {
    after = JSON.parse(written || '{}')
  } catch {
    throw new Error('The metadata isn’t a JSON object.')
  }
  const gone = Object.keys(before).filter((name) => !(name in after))
  return { ...Object.fromEntries(gone.map((name) => [name, null])), ...after }
}

