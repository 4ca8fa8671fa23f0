// The page of storage, for admins: places, and moves of documents' bytes between them.

import { change } from './api.js'
import { bytes, fill, h, moment, number } from './dom.js'
import { badge, button, count, field, form, heading, list, select, text } from './parts.js'

/** @typedef {import('./api.js').Schemas['StorageMove']} Move */
/** @typedef {import('./api.js').Schemas['StoragePlace']} Place */
/** @typedef {import('./app.js').Context} Context */

/** @param {Context} context */
export function storage({ main, signal }) {
  const from = select([], '', { name: 'from', required: true })
  const to = select([], '', { name: 'to', required: true })
  /** @type {string[]} */
  let urls = []
  const offerOthers = () => offer(to, urls.filter((url) => url !== from.value))
  from.onchange = offerOthers
  const few = h('p', { class: 'quiet', hidden: true }, 'There is one place for documents. ', h('code', {}, 'DOSSIER_MORE_STORAGE_URLS'), ' adds others.')
  const places = list({
    caption: 'Places',
    columns: ['Place', 'Used for', 'Objects', 'Bytes', 'To be removed'],
    path: '/v1/admin/storage/places',
    signal,
    row: (/** @type {Place} */ place) => [
      h('code', {}, place.url), place.role, number(place.objects), bytes(place.bytes), number(place.discarded),
    ],
    empty: 'There is no place.',
    shown: (/** @type {Place[]} */ items) => {
      urls = items.filter(({ role }) => role !== 'unknown' && role !== 'staging').map(({ url }) => url)
      offer(from, urls)
      offerOthers()
      few.hidden = urls.length > 1
      start.hidden = urls.length < 2
    },
  })
  const moves = list({
    caption: 'Moves',
    columns: ['From', 'To', 'Status', 'Objects', 'Bytes', 'Failed', 'Started', ''],
    path: '/v1/admin/storage/moves',
    signal,
    row: (/** @type {Move} */ move) => [
      h('code', {}, move.from), h('code', {}, move.to), badge(move.status), `${number(move.moved)} of ${number(move.objects)}`,
      `${bytes(move.moved_bytes)} of ${bytes(move.bytes)}`, number(move.failed), moment(move.created_at),
      move.status === 'running' ? button('Cancel', async () => {
        await change('POST', `/v1/admin/storage/moves/${move.id}/cancel`)
        await moves.reload()
      }) : null,
    ],
    empty: 'Nothing was moved yet.',
  })
  const start = form('Start', async (data) => {
    await change('POST', '/v1/admin/storage/moves', { from: text(data, 'from'), to: text(data, 'to'), rate_bytes: count(data, 'rate_bytes') })
    await moves.reload()
  },
  field('From', from), field('To', to),
  field('At most, bytes a second', h('input', { name: 'rate_bytes', type: 'number', min: 1 }), 'Empty: as fast as it goes.'))
  fill(main, heading('Storage'), places.element, h('h2', {}, 'Moves'), moves.element, h('h2', {}, 'Move documents to another place'),
    h('p', { class: 'quiet' }, 'Each object is copied, its digest verified, and the old one removed later. Reads and uploads go on. Keep a place among the settings until nothing in it is to be removed.'), few, start)
}

/**
 * Offers places, and keeps what was chosen.
 * @param {HTMLSelectElement} choice
 * @param {string[]} urls
 */
function offer(choice, urls) {
  const chosen = choice.value
  fill(choice, ...['', ...urls].map((url) => h('option', { value: url, selected: url === chosen }, url || 'choose a place')))
}
