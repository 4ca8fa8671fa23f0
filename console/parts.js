// What pages are made of: headings, lists by cursor, forms, dialogs, notices, errors that say what to do.

import { get, withQuery } from './api.js'
import { add, fill, h } from './dom.js'

/** @typedef {import('./dom.js').Child} Child */

/** @type {Record<string, string>} */
const ADVICE = {
  unreachable: 'Check the connection, then try again.',
  forbidden: 'Only admins may do this.',
  insufficient_scope: 'Sign in with a key that has this scope.',
  quota_exceeded: 'Delete documents that aren’t needed any more, or ask an admin for a larger quota.',
  storage_full: 'The storage is being cleared. Try again in a minute.',
  rate_limited: 'Wait a moment, then try again.',
  overloaded: 'The service has much to do. Try again in a moment.',
  unavailable: 'A part of the service is away. Try again in a moment.',
  revision_mismatch: 'It was changed meanwhile. Reload, and make your change again.',
  not_found: 'It may have been deleted meanwhile.',
  unique_name_taken: 'Choose another unique name.',
  cursor_expired: 'Go back to the first page.',
  not_retryable: 'Its bytes are gone. Upload the file again.',
}

/**
 * What went wrong, what to do, and a way to try again.
 * @param {unknown} error
 * @param {() => void} [retry]
 */
export function problem(error, retry) {
  const { message, code } = /** @type {{message: string, code?: string}} */ (error)
  const advice = ADVICE[code ?? '']
  return h(
    'div',
    { class: 'problem', role: 'alert' },
    h('p', {}, h('strong', {}, message), advice ? ` ${advice}` : ''),
    retry && button('Try again', retry),
  )
}

/**
 * A short notice, read aloud, that goes by itself.
 * @param {string} text
 * @param {...Child} more
 */
export function notify(text, ...more) {
  const notices = document.querySelector('#notices')
  const notice = h('div', { class: 'notice' }, text, ...more)
  const close = h('button', { class: 'plain', 'aria-label': 'Close the notice' }, '×')
  close.onclick = () => notice.remove()
  notice.append(close)
  notices?.append(notice)
  setTimeout(() => notice.remove(), 8000)
}

/**
 * A button; what it does goes on once at a time, and an error becomes a notice. It keeps the focus.
 * @param {string} label
 * @param {(event: Event) => unknown} act
 * @param {Record<string, unknown>} [attributes]
 */
export function button(label, act, attributes = {}) {
  const element = h('button', { type: 'button', ...attributes }, label)
  element.onclick = async (event) => {
    if (element.ariaBusy === 'true') {
      return
    }
    element.ariaBusy = 'true'
    try {
      await act(event)
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error)
      name === 'AbortError' || notify(message)
    } finally {
      element.ariaBusy = null
    }
  }
  return element
}

/**
 * The heading of a page, with what can be done there.
 * @param {string} title
 * @param {...Child} actions
 */
export function heading(title, ...actions) {
  return h('div', { class: 'heading' }, h('h1', {}, title), h('div', { class: 'actions' }, ...actions))
}

/** @type {Record<string, string>} */
const TONES = {
  active: 'good', completed: 'good', succeeded: 'good', delivered: 'good', enabled: 'good', open: 'good', live: 'good',
  pending: 'busy', running: 'busy', ready: 'busy', connecting: 'busy', finishing: 'busy',
  error: 'bad', failed: 'bad', dead: 'bad', expired: 'bad', revoked: 'bad', disabled: 'bad',
  paused: 'warn', skipped: 'warn', cancelled: 'warn', archived: 'warn',
}

/** @param {string} status */
export const badge = (status) => h('span', { class: `badge ${TONES[status] ?? ''}` }, status)

/**
 * A labelled input.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
export function field(label, input, hint) {
  return h('label', { class: 'field' }, h('span', {}, label), input, hint ? h('small', {}, hint) : null)
}

/**
 * @param {[string, string][]} options value and text
 * @param {string} value
 * @param {Record<string, unknown>} [attributes]
 */
export function select(options, value, attributes = {}) {
  const made = options.map(([of, text]) => h('option', { value: of, selected: of === value }, text))
  return h('select', attributes, ...made)
}

/**
 * A form whose errors are shown in it.
 * @param {string} label of its button
 * @param {(form: FormData) => unknown} act
 * @param {...Child} fields
 */
export function form(label, act, ...fields) {
  const failure = h('div', {})
  const submit = h('button', { class: 'primary' }, label)
  const element = h('form', { class: 'form' }, ...fields, failure, h('div', { class: 'actions' }, submit))
  element.onsubmit = async (event) => {
    event.preventDefault()
    submit.disabled = true
    fill(failure)
    try {
      await act(new FormData(element))
    } catch (error) {
      fill(failure, problem(error))
    } finally {
      submit.disabled = false
    }
  }
  return element
}

/**
 * Text of a form; empty text is undefined.
 * @param {FormData} data
 * @param {string} name
 */
export function text(data, name) {
  const value = data.get(name)
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** @param {FormData} data @param {string} name */
export function count(data, name) {
  const value = text(data, name)
  return value === undefined ? undefined : Number(value)
}

/**
 * Opens a dialog over the page. Returns it; what is in it may close it.
 * @param {string} title
 * @param {...Child} children
 */
export function dialog(title, ...children) {
  const element = h('dialog', { 'aria-label': title })
  const close = h('button', { class: 'plain close', 'aria-label': 'Close' }, '×')
  close.onclick = () => element.close()
  add(element, h('div', { class: 'heading' }, h('h2', {}, title), close), ...children)
  element.addEventListener('close', () => element.remove())
  document.body.append(element)
  element.showModal()
  return element
}

/**
 * Asks before something that can't be taken back.
 * @param {string} title
 * @param {string} question
 * @param {string} label
 * @param {() => unknown} act
 */
export function confirm(title, question, label, act) {
  const cancel = h('button', { type: 'button' }, 'Leave it')
  const act2 = button(label, async () => {
    await act()
    element.close()
  }, { class: 'danger' })
  const element = dialog(title, h('p', {}, question), h('div', { class: 'actions' }, cancel, act2))
  cancel.onclick = () => element.close()
  cancel.focus()
}

/**
 * A secret that is shown once, with a button that copies it.
 * @param {string} title
 * @param {string} explanation
 * @param {string} secret
 */
export function showSecret(title, explanation, secret) {
  const copy = button('Copy', async () => {
    await navigator.clipboard.writeText(secret)
    notify('Copied.')
  }, { class: 'primary' })
  const shown = h('input', { readonly: true, value: secret, class: 'secret', 'aria-label': title })
  shown.onfocus = () => shown.select()
  dialog(title, h('p', {}, explanation), shown, h('div', { class: 'actions' }, copy))
}

/**
 * @template T
 * @typedef {object} Listing
 * @property {string} caption
 * @property {string[]} columns
 * @property {string} path of the list, without its cursor
 * @property {Record<string, string | number | null | undefined>} [query]
 * @property {(item: T) => Child[]} row the cells of an item
 * @property {string | HTMLElement} empty what to do if there is nothing
 * @property {AbortSignal} signal
 * @property {(items: T[], rows: HTMLTableRowElement[]) => void} [shown] called with each page
 */

/**
 * A list, page by page: however long it is, one page of it is in memory. Its element, and how it is read
 * again.
 * @template T
 * @param {Listing<T>} listing
 */
export function list(listing) {
  const { caption, columns, row, empty, signal, shown } = listing
  /** @type {string[]} */
  const cursors = ['']
  const body = h('tbody', {})
  const below = h('div', { class: 'below' })
  const head = h('tr', {}, ...columns.map((column) => h('th', { scope: 'col' }, column || h('span', { class: 'away' }, 'Actions'))))
  const table = h('table', {}, h('caption', { class: 'away' }, caption), h('thead', {}, head), body)
  const element = h('div', { class: 'list', 'aria-busy': true }, h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, table), below)
  const previous = h('button', { type: 'button', disabled: true, onclick: () => turn(() => cursors.pop()) }, 'Newer')
  const next = h('button', { type: 'button', disabled: true }, 'Older')
  const place = h('span', { class: 'quiet' }, 'Page 1')
  const pager = h('div', { class: 'pager' }, previous, place, next)
  fill(below, h('p', { class: 'quiet' }, 'Loading …'))

  let loads = 0
  async function load() {
    const mine = ++loads
    element.setAttribute('aria-busy', 'true')
    try {
      const query = { ...listing.query, cursor: cursors.at(-1) }
      const page = await get(withQuery(listing.path, query), { signal })
      if (mine !== loads) {
        // What was asked for later has come before it.
        return
      }
      const rows = page.items.map((/** @type {T} */ item) => tableRow(columns, row(item)))
      fill(body, rows)
      fill(below, page.items.length === 0 ? h('div', { class: 'empty' }, empty) : null)
      if (cursors.length > 1 || page.next_cursor) {
        below.append(pager)
      }
      previous.disabled = cursors.length === 1
      next.disabled = !page.next_cursor
      next.onclick = () => turn(() => cursors.push(page.next_cursor))
      place.textContent = `Page ${cursors.length}`
      shown?.(page.items, rows)
    } catch (error) {
      if (!signal.aborted && mine === loads) {
        fill(below, problem(error, load))
      }
    } finally {
      if (mine === loads) {
        element.setAttribute('aria-busy', 'false')
      }
    }
  }
  /** @param {() => unknown} go to another page, unless one is being read */
  function turn(go) {
    if (element.getAttribute('aria-busy') !== 'true') {
      go()
      void load()
    }
  }
  /** @param {Record<string, string | number | null | undefined>} [query] */
  async function reload(query) {
    if (query) {
      listing.query = query
      cursors.length = 1
    }
    await load()
  }
  void load()
  return { element, reload, isFirst: () => cursors.length === 1, body }
}

/**
 * A row of a table; on narrow screens each cell tells its column.
 * @param {string[]} columns
 * @param {Child[]} cells
 */
export function tableRow(columns, cells) {
  return h('tr', {}, ...cells.map((cell, place) => h('td', { 'data-column': columns[place] }, cell)))
}

/**
 * Terms and what they are.
 * @param {[string, Child][]} entries
 */
export function facts(entries) {
  return h('dl', { class: 'facts' }, ...entries.flatMap(([term, fact]) => [h('div', {}, h('dt', {}, term), h('dd', {}, fact ?? '–'))]))
}
