// The page of documents: filters, the list, what is selected, and bulk actions on it.

import { bytes, fill, h, link, moment, number } from './dom.js'
import { subscribe } from './live.js'
import { badge, button, field, heading, list, select, tableRow } from './parts.js'
import { bulk } from './bulk.js'
import { uploadFiles } from './uploads.js'

/** @typedef {import('./api.js').Schemas['Document']} Document */
/** @typedef {import('./app.js').Context} Context */

const FILTERS = ['name', 'status', 'mime_type', 'is_public', 'created_after', 'created_before', 'min_size', 'max_size', 'metadata']
const COLUMNS = ['Select', 'Name', 'Status', 'Type', 'Size', 'Updated']
const PAGE = 50

/** @param {Context} context */
export function documents({ main, query, signal, me }) {
  /** @type {Map<string, {document: Document, row: HTMLTableRowElement, box: HTMLInputElement}>} */
  const shown = new Map()
  /** @type {Set<string>} */
  const selected = new Set()
  let isAll = false

  const filter = () => Object.fromEntries(FILTERS.map((name) => [name, query.get(name)]).filter(([, value]) => value))
  const asked = () => ({ ...filter(), sort: query.get('sort') ?? '', limit: PAGE })

  const all = h('input', { type: 'checkbox', 'aria-label': 'Select all on this page' })
  const said = h('strong', { role: 'status' })
  const every = h('span', {})
  /** @type {HTMLButtonElement[]} */
  const actions = [['Archive', 'archive'], ['Restore', 'restore'], ['Edit', 'update'], ['Retry', 'retry'], ['Export', 'export'], ['Delete', 'delete']]
    .map(([label, action]) => button(label ?? '', () => bulk(/** @type {import('./bulk.js').Action} */ (action), selection(), said.textContent ?? '', () => (choose(false), found.reload()))))
  const bar = h('div', { class: 'bulk', role: 'group', 'aria-label': 'Selected documents' }, h('label', { class: 'check' }, all, h('span', {}, 'Page')), said, ...actions, every)
  const chosen = h('input', { type: 'file', multiple: true, class: 'away', 'aria-label': 'Files to upload', tabindex: -1 })
  chosen.onchange = () => {
    uploadFiles([...(chosen.files ?? [])])
    chosen.value = ''
  }

  const found = list({
    caption: 'Documents',
    columns: COLUMNS,
    path: '/v1/documents',
    query: asked(),
    signal,
    row: (/** @type {Document} */ document) => cells(document),
    empty: 'No document is here. Drop files anywhere on this page to upload them, or change the filters.',
    shown: (items, rows) => {
      shown.clear()
      items.forEach((document, place) => remember(document, /** @type {HTMLTableRowElement} */ (rows[place])))
      tellSelection()
    },
  })

  /** @param {Document} document */
  function cells(document) {
    const box = h('input', { type: 'checkbox', 'aria-label': `Select ${document.name}`, value: document.id, checked: isAll || selected.has(document.id) })
    return [
      box,
      h('a', { href: link(`documents/${document.id}`), class: 'name' }, document.name),
      h('span', {}, badge(document.status), ' ', document.is_public ? h('span', { class: 'badge' }, 'public') : null),
      document.mime_type ?? '–',
      bytes(document.size_bytes),
      moment(document.updated_at),
    ]
  }

  /** @param {Document} document @param {HTMLTableRowElement} row */
  function remember(document, row) {
    const box = /** @type {HTMLInputElement} */ (row.querySelector('input'))
    row.dataset['status'] = document.status
    box.onchange = () => {
      isAll = false
      box.checked ? selected.add(document.id) : selected.delete(document.id)
      tellSelection()
    }
    shown.set(document.id, { document, row, box })
  }

  function tellSelection() {
    const here = [...shown.keys()]
    for (const { document, box } of shown.values()) {
      box.checked = isAll || selected.has(document.id)
    }
    const count = here.filter((id) => selected.has(id)).length
    all.checked = here.length > 0 && (isAll || count === here.length)
    all.indeterminate = !isAll && count > 0 && count < here.length
    const isNothing = !isAll && selected.size === 0
    said.textContent = isAll ? 'All that match' : isNothing ? 'None selected' : `${number(selected.size)} selected`
    fill(every,
      all.checked && !isAll ? button('Select all that match', () => choose(true), { class: 'plain' }) : null,
      isNothing ? null : button('Select none', () => choose(false), { class: 'plain' }))
    actions.forEach((action) => {
      action.disabled = isNothing
    })
  }

  /** @param {boolean} isEvery whether all that match are chosen, or none */
  function choose(isEvery) {
    isAll = isEvery
    selected.clear()
    tellSelection()
    all.focus()
  }

  const selection = () => (isAll ? { filter: bodyFilter(filter()) } : { ids: [...selected] })

  all.onchange = () => {
    isAll = false
    for (const id of shown.keys()) {
      all.checked ? selected.add(id) : selected.delete(id)
    }
    tellSelection()
  }

  /** @param {string} name @param {string} value */
  function filterBy(name, value) {
    value ? query.set(name, value) : query.delete(name)
    history.replaceState(null, '', link('documents', Object.fromEntries(query)))
    isAll = false
    selected.clear()
    void found.reload(asked())
  }

  found.element.classList.add('selectable')

  subscribe((event) => {
    const document = event.data.document
    if (!document || document.owner !== me.id) {
      return
    }
    const known = shown.get(document.id)
    if (known && event.type === 'document.deleted') {
      known.row.classList.add('gone')
      known.box.disabled = true
      shown.delete(document.id)
      selected.delete(document.id)
      tellSelection()
    } else if (known && document.revision >= known.document.revision) {
      // Nothing that has the focus is replaced.
      cells(document).forEach((cell, place) => {
        if (place > 1 || (place === 1 && document.name !== known.document.name)) {
          fill(/** @type {Element} */ (known.row.cells[place]), cell)
        }
      })
      remember(document, known.row)
    } else if (!known && event.type === 'document.accepted' && found.isFirst() && Object.keys(filter()).length === 0 && !query.get('sort')) {
      found.element.querySelector('.empty')?.remove()
      const row = tableRow(COLUMNS, cells(document))
      found.body.prepend(row)
      remember(document, row)
      const last = found.body.rows.length > PAGE ? found.body.rows[PAGE] : null
      shown.delete(last?.querySelector('input')?.value ?? '')
      last?.remove()
    }
  }, signal)

  tellSelection()
  fill(main,
    heading('Documents', chosen, button('Upload files', () => chosen.click(), { class: 'primary' })),
    filters(query, filterBy), bar, found.element)
}

/**
 * @param {URLSearchParams} query
 * @param {(name: string, value: string) => void} filterBy
 */
function filters(query, filterBy) {
  /** @param {string} name @param {Record<string, unknown>} attributes */
  const input = (name, attributes) => {
    const made = h('input', { name, value: query.get(name) ?? '', ...attributes })
    let timer = 0
    made.oninput = () => {
      clearTimeout(timer)
      timer = window.setTimeout(() => made.checkValidity() && filterBy(name, made.value.trim()), 300)
    }
    return made
  }
  /** @param {string} name @param {[string, string][]} options */
  const choice = (name, options) => {
    const made = select(options, query.get(name) ?? '', { name })
    made.onchange = () => filterBy(name, made.value)
    return made
  }
  /** @param {string} name */
  const day = (name) => {
    const made = h('input', { type: 'date', name, value: (query.get(name) ?? '').slice(0, 10) })
    made.onchange = () => filterBy(name, made.value ? `${made.value}T00:00:00Z` : '')
    return made
  }
  const more = ['is_public', 'created_after', 'created_before', 'min_size', 'max_size', 'metadata']
  return h('form', { class: 'filters', role: 'search', onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
    field('Name contains', input('name', { type: 'search', autocomplete: 'off' })),
    field('Status', choice('status', [['', 'all but archived'], ['active', 'active'], ['pending', 'pending'], ['error', 'error'], ['archived', 'archived'], ['pending,active,error,archived', 'any']])),
    field('Type', input('mime_type', { type: 'text', placeholder: 'image/*', autocomplete: 'off' })),
    field('Sort', choice('sort', [['', 'newest first'], ['created_at', 'oldest first'], ['-updated_at', 'changed last'], ['name', 'name'], ['-size_bytes', 'largest first']])),
    h('details', { open: more.some((name) => query.has(name)) }, h('summary', {}, 'More filters'),
      h('div', { class: 'filters' },
        field('Public', choice('is_public', [['', 'any'], ['true', 'public'], ['false', 'not public']])),
        field('Created after', day('created_after')),
        field('Created before', day('created_before')),
        field('At least, bytes', input('min_size', { type: 'number', min: 0 })),
        field('At most, bytes', input('max_size', { type: 'number', min: 0 })),
        field('Metadata contains', input('metadata', { type: 'text', placeholder: '{"project":"x"}', autocomplete: 'off' })))))
}

/**
 * The list's filter as operations take it: with types of JSON.
 * @param {Record<string, string | null>} filter
 */
function bodyFilter(filter) {
  /** @type {Record<string, unknown>} */
  const body = { ...filter }
  for (const name of ['min_size', 'max_size', 'is_public', 'metadata']) {
    if (typeof body[name] === 'string') {
      body[name] = JSON.parse(body[name])
    }
  }
  return body
}
