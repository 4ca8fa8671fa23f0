// A bulk action on selected documents: a dry run first, then progress, what became of each, and undo.

import { change, get, withQuery } from './api.js'
import { fill, h, link, number } from './dom.js'
import { badge, button, dialog, field, problem } from './parts.js'

/** @typedef {import('./api.js').Schemas['Operation']} Operation */
/** @typedef {import('./api.js').Schemas['OperationItem']} Item */
/** @typedef {'archive' | 'restore' | 'delete' | 'update' | 'retry' | 'export'} Action */

/** @type {Record<Action, string>} */
const TITLES = {
  archive: 'Archive documents', restore: 'Restore documents', delete: 'Delete documents',
  update: 'Edit documents', retry: 'Retry failed documents', export: 'Export documents',
}
const UNDOABLE = ['archive', 'restore', 'update']
/** What can't be tried before. */
const DIRECT = ['export']

/**
 * @param {Action} action
 * @param {{ids: string[]} | {filter: Record<string, unknown>}} selection
 * @param {string} words
 * @param {() => unknown} done
 */
export function bulk(action, selection, words, done) {
  const content = h('div', { class: 'bulk-run' })
  const box = dialog(TITLES[action], content)
  const control = new AbortController()
  box.addEventListener('close', () => control.abort())
  /** @type {Record<string, unknown>} */
  const body = { action, select: selection }
  const start = () => (DIRECT.includes(action) ? run() : tryFirst())

  async function tryFirst() {
    fill(content, h('p', { class: 'quiet', role: 'status' }, 'Trying without changing anything …'))
    try {
      const tried = await ended(await change('POST', '/v1/operations', { ...body, dry_run: true }), content, control.signal)
      const go = button(`${TITLES[action].split(' ')[0]} ${number(tried.succeeded)}`, run, { class: action === 'delete' ? 'danger' : 'primary', disabled: tried.succeeded === 0 })
      const cancel = button('Cancel', () => box.close())
      fill(content, h('p', { role: 'status' }, `${words}. Nothing was changed yet: ${outcome(tried, 'would succeed')}.`),
        action === 'delete' ? h('p', {}, 'Deleted documents can’t be brought back. Archive them instead if you may need them.') : null,
        await failures(tried, control.signal), h('div', { class: 'actions' }, cancel, go))
      go.focus()
    } catch (error) {
      fill(content, problem(error, tryFirst))
    }
  }

  async function run() {
    try {
      const made = await ended(await change('POST', '/v1/operations', body), content, control.signal)
      await tell(made)
    } catch (error) {
      fill(content, problem(error))
    }
    await done()
  }

  /** @param {Operation} made */
  async function tell(made) {
    const undo = UNDOABLE.includes(made.action) && made.succeeded > 0
      ? button('Undo', async () => {
        const undone = await ended(await change('POST', `/v1/operations/${made.id}/undo`), content, control.signal)
        await tell(undone)
        await done()
      })
      : null
    const close = button('Close', () => box.close(), { class: 'primary' })
    fill(content, h('p', { role: 'status' }, badge(made.status), ` ${outcome(made, 'succeeded')}.`), await failures(made, control.signal),
      h('p', {}, h('a', { href: link(`operations/${made.id}`), onclick: () => box.close() }, made.action === 'export' ? 'Download the archive' : 'What became of each')),
      h('div', { class: 'actions' }, undo, close))
    close.focus()
  }

  if (action === 'update') {
    askChanges(content, (changes) => {
      body['changes'] = changes
      return start()
    })
  } else {
    void start()
  }
}

/**
 * @param {Element} content
 * @param {(changes: Record<string, unknown>) => unknown} go
 */
function askChanges(content, go) {
  const area = h('textarea', { name: 'metadata', rows: 5, spellcheck: 'false' }, '{\n  \n}')
  const failure = h('div', {})
  const next = button('Try', async () => {
    try {
      await go({ metadata: JSON.parse(area.value) })
    } catch {
      fill(failure, problem(new Error('This isn’t a JSON object.')))
    }
  }, { class: 'primary' })
  fill(content, field('Metadata to merge', area, 'A JSON object; null removes a member.'), failure, h('div', { class: 'actions' }, next))
  area.focus()
}

/** @param {Operation} made @param {string} word */
export const outcome = (made, word) =>
  [`${number(made.succeeded)} ${word}`, made.skipped > 0 ? `${number(made.skipped)} skipped` : '', made.failed > 0 ? `${number(made.failed)} failed` : '']
    .filter((part) => part)
    .join(', ')

/**
 * Waits until an operation has ended, and shows how far it is.
 * @param {Operation} made
 * @param {Element} content
 * @param {AbortSignal} signal
 * @returns {Promise<Operation>}
 */
async function ended(made, content, signal) {
  const bar = h('progress', { max: Math.max(made.total, 1), value: 0, 'aria-label': 'Progress' })
  const said = h('p', { class: 'quiet' }, 'Waiting for a worker …')
  fill(content, bar, said)
  let now = made
  while (now.status === 'pending' || now.status === 'running') {
    now = await get(`/v1/operations/${made.id}?wait=2`, { signal })
    const done = now.succeeded + now.failed + now.skipped
    bar.max = Math.max(now.total, 1)
    bar.value = done
    said.textContent = `${number(done)} of ${number(now.total)}`
  }
  return now
}

/** @param {Operation} made @param {AbortSignal} signal */
async function failures(made, signal) {
  if (made.failed + made.skipped === 0) {
    return null
  }
  const result = made.failed > 0 ? 'failed' : 'skipped'
  /** @type {import('./api.js').Page<Item>} */
  const page = await get(withQuery(`/v1/operations/${made.id}/items`, { result, limit: 10 }), { signal })
  const lines = page.items.map((item) => h('li', {}, item.name ?? item.document_id ?? 'unknown', item.detail ? ` – ${item.detail}` : item.code ? ` – ${item.code}` : ''))
  return h('div', {}, h('p', {}, page.next_cursor ? `The first that ${result}:` : `These ${result}:`), h('ul', { class: 'plain' }, ...lines))
}
