// The pages of one's own account: tickets for others' uploads, usage, and keys.

import { change, get } from './api.js'
import { bytes, fill, h, moment, number } from './dom.js'
import { badge, button, confirm, count, facts, field, form, heading, list, showSecret, tableRow, text } from './parts.js'

/** @typedef {import('./api.js').Schemas['Ticket']} Ticket */
/** @typedef {import('./api.js').Schemas['ApiKey']} ApiKey */
/** @typedef {import('./api.js').Schemas['Usage']} Usage */
/** @typedef {import('./app.js').Context} Context */

const LIFETIME = 'Such as 12h, 7d or 90d.'

/** @param {Context} context */
export function tickets({ main, signal }) {
  const found = list({
    caption: 'Tickets',
    columns: ['Name', 'Status', 'Uses left', 'At most', 'Expires', ''],
    path: '/v1/tickets',
    signal,
    row: (/** @type {Ticket} */ ticket) => [
      ticket.name ?? 'any name', badge(ticket.status), `${number(ticket.uses_left)} of ${number(ticket.uses)}`,
      ticket.max_bytes === null ? 'any size' : bytes(ticket.max_bytes), moment(ticket.expires_at),
      ticket.status === 'open' ? button('Revoke', () => confirm('Revoke this ticket', 'Nobody can upload with it any more.', 'Revoke', async () => {
        await change('DELETE', `/v1/tickets/${ticket.id}`)
        await found.reload()
      }), { class: 'plain' }) : null,
    ],
    empty: 'With a ticket somebody without a key uploads for you. Make one below.',
  })
  const make = form('Make a ticket', async (data) => {
    const types = text(data, 'allowed_types')
    const made = await change('POST', '/v1/tickets', {
      uses: count(data, 'uses') ?? 1, expires_in: text(data, 'expires_in'), max_bytes: count(data, 'max_bytes'),
      name: text(data, 'name'), ...(types ? { allowed_types: types.split(/[\s,]+/) } : {}),
    })
    showSecret('Address for uploads', 'Whoever has this address may upload. It is shown once.', new URL(made.url, location.href).href)
    await found.reload()
  },
  field('Uses', h('input', { name: 'uses', type: 'number', min: 1, value: 1, required: true })),
  field('Expires in', h('input', { name: 'expires_in', value: '24h', required: true }), LIFETIME),
  field('At most, bytes', h('input', { name: 'max_bytes', type: 'number', min: 0 })),
  field('Name of the document', h('input', { name: 'name' }), 'Empty: that of the file.'),
  field('Allowed types', h('input', { name: 'allowed_types', placeholder: 'image/* application/pdf' })))
  fill(main, heading('Tickets'), found.element, h('h2', {}, 'Make a ticket'), make)
}

/** @param {Context} context */
export async function usage({ main, signal }) {
  /** @type {Usage} */
  const used = await get('/v1/usage', { signal })
  const { documents, bytes: size } = used
  const columns = ['Type', 'Documents', 'Bytes']
  const kept = documents.total - documents.error
  fill(main, heading('Usage'),
    h('div', { class: 'cards' },
      card('Bytes', `${bytes(size.used)} of ${bytes(size.limit)}`, size.used, size.limit, size.reserved > 0 ? `${bytes(size.reserved)} more are reserved by uploads` : 'Nothing is reserved by uploads'),
      card('Documents', `${number(kept)} of ${number(used.document_limit)}`, kept, used.document_limit, documents.error > 0 ? `${number(documents.error)} failed and don’t count` : 'None has failed')),
    facts([['Active', number(documents.active)], ['Pending', number(documents.pending)], ['Archived', number(documents.archived)], ['Failed', number(documents.error)]]),
    h('h2', {}, 'By type'),
    used.by_type.length === 0 ? h('div', { class: 'empty' }, 'No document is stored yet.') : h('div', { class: 'list' }, h('table', {}, h('caption', { class: 'away' }, 'Usage by type'),
      h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { scope: 'col' }, column)))),
      h('tbody', {}, ...used.by_type.map((type) => tableRow(columns, [type.mime_type, number(type.documents), bytes(type.bytes)]))))))
}

/** @param {string} title @param {string} words @param {number} value @param {number} max @param {string} more */
function card(title, words, value, max, more) {
  return h('div', { class: 'card' }, h('h2', {}, title), h('p', {}, words),
    h('meter', { min: 0, max: Math.max(max, 1), value, 'aria-label': title }), h('p', { class: 'quiet' }, more))
}

/** @type {[import('./api.js').Schemas['Scope'], string][]} */
const SCOPES = [
  ['documents:read', 'read documents, versions and content'],
  ['documents:write', 'upload, change, archive and delete documents one by one'],
  ['operations', 'read all documents by exports, change and delete them in bulk, and import others'],
  ['events', 'read every event, with names and metadata of documents'],
  ['webhooks', 'have every event sent to any URL, with names and metadata of documents'],
  ['tickets', 'let others upload documents without a key'],
  ['admin', 'administer users, keys, jobs, queues and storage; with other scopes, read what other users have'],
]

/** What a new key may be used for unless another choice is made. */
const LEAST = 'documents:read'

/** The choice of a key without a list of scopes. */
const EVERYTHING = 'everything'

/**
 * The list of keys of a user, and the form that makes one.
 * @param {string} path of the keys
 * @param {AbortSignal} signal
 * @param {string | undefined} current the key in use
 */
export function keysOf(path, signal, current) {
  const found = list({
    caption: 'Keys',
    columns: ['Name', 'Begins with', 'Scopes', 'Last used', 'Expires', ''],
    path,
    signal,
    row: (/** @type {ApiKey} */ key) => [
      h('span', {}, key.name ?? 'unnamed', ' ', key.id === current ? h('span', { class: 'badge good' }, 'this one') : null),
      h('code', {}, key.starts_with ?? '–'), key.scopes.length === SCOPES.length ? 'all' : key.scopes.join(', '), moment(key.last_used_at), key.expires_at ? moment(key.expires_at) : 'never',
      button('Delete', () => confirm('Delete this key', key.id === current ? 'You use it yourself: you will be signed out.' : 'Whoever uses it is refused at once.', 'Delete', async () => {
        await change('DELETE', `${path}/${key.id}`)
        await found.reload()
      }), { class: 'plain', 'aria-label': `Delete the key ${key.name ?? key.starts_with ?? ''}` }),
    ],
    empty: 'There is no key. Make one below.',
  })
  const make = form('Make a key', async (data) => {
    const scopes = data.getAll('scopes')
    if (scopes.length === 0) {
      throw new Error('Choose what the key may be used for.')
    }
    const made = await change('POST', path, { name: text(data, 'name'), expires_in: text(data, 'expires_in'), ...(scopes.includes(EVERYTHING) ? {} : { scopes }) })
    showSecret('API key', 'It is shown once: the service keeps only a hash of it.', made.key)
    await found.reload()
  },
  field('Name', h('input', { name: 'name' }), 'What it is for.'),
  field('Expires in', h('input', { name: 'expires_in' }), `${LIFETIME} Empty: never.`),
  h('fieldset', {}, h('legend', {}, 'Scopes: what it may be used for'), ...[...SCOPES, [EVERYTHING, 'all that its user may do, now and later']].map(([scope, what]) => h('label', { class: 'check' }, h('input', { type: 'checkbox', name: 'scopes', value: scope, checked: scope === LEAST }), h('span', {}, `${scope} `, h('small', {}, what))))))
  return [found.element, h('h2', {}, 'Make a key'), make]
}

/** @param {Context} context */
export function keys({ main, signal, me }) {
  fill(main, heading('Keys'), ...keysOf('/v1/keys', signal, me.key?.id))
}
