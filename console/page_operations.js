// The pages of operations: the list with import, and one with its progress, items, result and undo.

import { change, get, withQuery } from './api.js'
import { fill, h, link, moment, number } from './dom.js'
import { outcome } from './bulk.js'
import { subscribe } from './live.js'
import { badge, button, facts, field, form, heading, list, notify, select } from './parts.js'
import { save } from './save.js'

/** @typedef {import('./api.js').Schemas['Operation']} Operation */
/** @typedef {import('./api.js').Schemas['OperationItem']} Item */
/** @typedef {import('./app.js').Context} Context */

/** @param {Context} context */
export function operations({ main, signal }) {
  const found = list({
    caption: 'Operations',
    columns: ['Action', 'Status', 'Total', 'Outcome', 'Created'],
    path: '/v1/operations',
    query: { limit: 50 },
    signal,
    row: (/** @type {Operation} */ made) => [
      h('a', { href: link(`operations/${made.id}`) }, made.action, made.dry_run ? ' (dry run)' : ''),
      badge(made.status), number(made.total), outcome(made, 'succeeded'), moment(made.created_at),
    ],
    empty: 'No operation was made yet. Select documents in their list, or import an archive.',
  })
  subscribe((event) => event.operation_id && void found.reload(), signal)
  const file = h('input', { type: 'file', name: 'file', accept: '.zip', required: true })
  const conflict = select([['rename', 'rename the new one'], ['skip', 'skip it'], ['new_version', 'make it a new version'], ['fail', 'report it']], 'rename', { name: 'on_conflict' })
  const importing = form('Import', async (data) => {
    const path = withQuery('/v1/operations/import', { on_conflict: String(data.get('on_conflict')) })
    const body = /** @type {File} */ (data.get('file'))
    const made = await change('POST', path, undefined, { body, headers: { 'Content-Type': 'application/zip' } })
    location.hash = link(`operations/${made.id}`)
  }, field('ZIP archive', file), field('If a document has the name already', conflict))
  fill(main, heading('Operations'), h('details', {}, h('summary', {}, 'Import an archive'), importing), found.element)
}

/** @param {Context} context */
export async function operation({ main, parts, signal }) {
  const path = `/v1/operations/${encodeURIComponent(parts[0] ?? '')}`
  /** @type {Operation} */
  let now = await get(path, { signal })
  const top = h('div', {})
  const result = select([['', 'all'], ['succeeded', 'succeeded'], ['failed', 'failed'], ['skipped', 'skipped'], ['pending', 'pending']], '', {})
  const items = list({
    caption: 'Items',
    columns: ['Document', 'Result', 'Why'],
    path: `${path}/items`,
    query: { limit: 50 },
    signal,
    row: (/** @type {Item} */ item) => [
      item.document_id ? h('a', { href: link(`documents/${item.document_id}`), class: 'name' }, item.name ?? item.document_id) : (item.name ?? '–'),
      badge(item.result), item.detail ?? item.code ?? '',
    ],
    empty: 'No item has this result.',
  })
  result.onchange = () => void items.reload({ limit: 50, result: result.value })

  /** @param {string} what */
  async function act(what) {
    const made = await change('POST', `${path}/${what}`)
    if (what === 'undo') {
      location.hash = link(`operations/${made.id}`)
      return
    }
    now = made
    draw()
  }

  function draw() {
    const isOver = !['pending', 'running'].includes(now.status)
    const done = now.succeeded + now.failed + now.skipped
    fill(top,
      heading(`${now.action}${now.dry_run ? ' (dry run)' : ''}`,
        isOver ? null : button('Cancel', () => act('cancel')),
        isOver && now.action === 'export' && now.status === 'completed' ? button('Download', () => save(`${path}/result`, 'export.zip', Infinity), { class: 'primary' }) : null,
        isOver && ['archive', 'restore', 'update'].includes(now.action) && !now.dry_run && now.succeeded > 0 ? button('Undo', () => act('undo')) : null),
      h('progress', { max: Math.max(now.total, 1), value: isOver ? Math.max(now.total, 1) : done, 'aria-label': 'Progress' }),
      now.error ? h('div', { class: 'problem' }, `${now.error.code}: ${now.error.detail}`) : null,
      facts([['Status', badge(now.status)], ['Items', number(now.total)], ['Outcome', outcome(now, 'succeeded')], ['Created', moment(now.created_at)], ['Finished', moment(now.finished_at)]]))
  }

  draw()
  fill(main, top, h('div', { class: 'heading' }, h('h2', {}, 'Items'), field('Result', result)), items.element)
  while (['pending', 'running'].includes(now.status) && !signal.aborted) {
    now = await get(`${path}?wait=2`, { signal })
    draw()
    if (!['pending', 'running'].includes(now.status)) {
      notify(`The operation is ${now.status}.`)
      await items.reload()
    }
  }
}
