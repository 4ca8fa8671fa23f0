// The page of events: those that come, as they come, and those that are kept.

import { get, withQuery } from './api.js'
import { fill, h, link, moment } from './dom.js'
import { subscribe } from './live.js'
import { badge, button, field, heading, problem, tableRow } from './parts.js'

/** @typedef {import('./live.js').Event} Event */
/** @typedef {import('./app.js').Context} Context */

const MOST = 500
const COLUMNS = ['When', 'Event', 'About', 'Cursor']

/** @param {Context} context */
export function events({ main, signal }) {
  const body = h('tbody', {})
  const state = h('p', { class: 'quiet' }, 'Events that come now are shown at the top.')
  const types = h('input', { type: 'search', placeholder: 'document.activated', 'aria-label': 'Only types that begin with', autocomplete: 'off' })
  const table = h('table', {}, h('caption', { class: 'away' }, 'Events'), h('thead', {}, h('tr', {}, ...COLUMNS.map((column) => h('th', { scope: 'col' }, column)))), body)
  let cursor = ''

  /** @param {Event} event */
  const show = (event) => {
    const row = tableRow(COLUMNS, [moment(event.at), event.type, about(event), h('code', {}, event.id)])
    row.dataset['type'] = event.type
    row.hidden = !event.type.startsWith(types.value.trim())
    body.prepend(row)
    while (body.rows.length > MOST) {
      body.rows[MOST]?.remove()
    }
  }
  types.oninput = () => {
    for (const row of body.rows) {
      row.hidden = !(row.dataset['type'] ?? '').startsWith(types.value.trim())
    }
  }
  const older = button('Read from the oldest kept', async () => {
    try {
      const page = await get(withQuery('/v1/events', { after: cursor, limit: 100 }), { signal })
      page.items.forEach(show)
      cursor = page.next_cursor
      older.textContent = 'Read on'
      state.textContent = page.items.length === 0 ? 'That is all.' : `${body.rows.length} events are shown, the latest read first.`
    } catch (error) {
      fill(state, problem(error))
    }
  })
  subscribe(show, signal)
  fill(main, heading('Events', older), h('div', { class: 'filters' }, field('Only types that begin with', types)), state,
    h('div', { class: 'list' }, h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Events' }, table)))
}

/** @param {Event} event */
function about(event) {
  const { document, operation } = event.data
  if (document) {
    return h('span', {}, h('a', { href: link(`documents/${document.id}`), class: 'name' }, document.name), ' ', badge(document.status))
  }
  if (operation) {
    return h('span', {}, h('a', { href: link(`operations/${operation.id}`) }, operation.action), ' ', badge(operation.status))
  }
  return event.data.upload?.name ?? event.data.ticket?.id ?? '–'
}
