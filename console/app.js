// The console: signs in, draws the frame of all pages, and leads from address to page.

import { change, get, key } from './api.js'
import { fill, h, link } from './dom.js'
import * as live from './live.js'
import { badge, field, form, heading, notify, problem, text } from './parts.js'
import { acceptDrops, isUploading, leavePage, panel } from './uploads.js'
import { documents } from './page_documents.js'
import { document as documentPage } from './page_document.js'
import { operation, operations } from './page_operations.js'
import { events } from './page_events.js'
import { webhook, webhooks } from './page_webhooks.js'
import { keys, tickets, usage } from './page_account.js'
import { user, users } from './page_users.js'
import { activity } from './page_activity.js'
import { auditLog, jobs, queues, workers } from './page_queues.js'
import { storage } from './page_storage.js'

/** @typedef {import('./api.js').Schemas['Me']} Me */

/**
 * What a page is given.
 * @typedef {object} Context
 * @property {HTMLElement} main where it draws
 * @property {string[]} parts the rest of the address
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal ends when another page comes
 * @property {Me} me
 */

/** @type {Record<string, {title: string, list: (context: Context) => unknown, one?: (context: Context) => unknown, admin?: boolean}>} */
const PAGES = {
  documents: { title: 'Documents', list: documents, one: documentPage },
  operations: { title: 'Operations', list: operations, one: operation },
  events: { title: 'Events', list: events },
  webhooks: { title: 'Webhooks', list: webhooks, one: webhook },
  tickets: { title: 'Tickets', list: tickets },
  usage: { title: 'Usage', list: usage },
  keys: { title: 'Keys', list: keys },
  activity: { title: 'Activity', list: activity, admin: true },
  users: { title: 'Users', list: users, one: user, admin: true },
  queues: { title: 'Queues', list: queues, admin: true },
  jobs: { title: 'Jobs', list: jobs, admin: true },
  workers: { title: 'Workers', list: workers, admin: true },
  storage: { title: 'Storage', list: storage, admin: true },
  log: { title: 'Security log', list: auditLog, admin: true },
}

const app = /** @type {HTMLElement} */ (document.querySelector('#app'))
const main = h('main', { id: 'main', tabindex: -1 })
/** @type {Me | null} */
let me = null
let leaving = new AbortController()

/** Why the provider let nobody in, by the code of the problem. */
const REFUSALS = new Map(Object.entries({
  unauthorized: 'The sign-in did not succeed: it was declined, took longer than ten minutes, or was not begun in this browser. Sign in again.',
  forbidden: 'No user of this service is linked to your account. Ask an administrator to link one.',
  disabled: 'Your user is disabled. An administrator can enable it.',
  rate_limited: 'There were too many sign-ins from your address. Try again in a minute.',
  overloaded: 'Too many people are signing in. Try again in a moment.',
  unavailable: 'The sign-in provider can’t be reached, or doesn’t answer as it should. Try again later, or use a key.',
}))

/** Why a sign-in failed that has led back here; the address tells it once. */
function refusal() {
  const [, code] = location.hash.match(/^#\/sign-in\/([a-z_]+)$/) ?? []
  if (!code) {
    return undefined
  }
  history.replaceState(null, '', '#/documents')
  return REFUSALS.get(code) ?? 'The sign-in failed. Try again, or use a key.'
}

/** A link to the provider, if the service has one. */
async function provider() {
  const answer = await fetch('/v1/sign-in').catch(() => null)
  /** @type {import('./api.js').Schemas['SignIn'] | null} */
  const how = answer?.ok ? await answer.json() : null
  if (!how?.provider) {
    return null
  }
  const name = new URL(how.provider.issuer).host
  return h('p', {}, h('a', { class: 'button', href: how.provider.path }, `Sign in with ${name}`))
}

/** Signs out at once: a key that came of signing in is of no use to anybody any more. */
function signOut() {
  const own = me?.key?.id
  live.stop()
  leaving.abort()
  if (own && key.isFromProvider()) {
    // It takes the key before it is forgotten.
    change('DELETE', `/v1/keys/${encodeURIComponent(own)}`).catch(() => null)
  }
  key.forget()
  signIn()
}

/** @param {string} [message] */
function signIn(message) {
  live.stop()
  leaving.abort()
  me = null
  document.title = 'Sign in – Dossier'
  const input = h('input', { name: 'key', type: 'password', autocomplete: 'off', spellcheck: 'false', required: true })
  const enter = form(
    'Sign in',
    async (data) => {
      key.set(text(data, 'key') ?? '', 'hand')
      try {
        await begin()
      } catch (error) {
        key.forget()
        const { status } = /** @type {{status?: number}} */ (error)
        throw status === 401 ? new Error('The service doesn’t know this key. Check that it is whole, and not expired.') : error
      }
    },
    field('API key', input, 'It is kept in this tab until you close it or sign out.'),
  )
  // At the end, so that nothing moves when it comes.
  const elsewhere = h('div')
  void provider().then((found) => found && fill(elsewhere, found))
  fill(app, h('main', { class: 'alone', id: 'main' }, brand(), h('h1', {}, 'Sign in'), message ? h('p', { role: 'alert' }, message) : null, enter,
    h('p', { class: 'quiet' }, 'Admins make keys for users; the first admin’s key is in the file that the service names when it starts. ', h('a', { href: '/docs' }, 'The API')), elsewhere))
  input.focus()
}

const brand = () => h('a', { class: 'brand', href: '#/documents' }, h('img', { src: '/console/icon.svg', alt: '', width: 24, height: 24 }), 'Dossier')

async function begin() {
  me = await get('/v1/me')
  frame()
  live.start()
  await show()
}

function frame() {
  if (!me) {
    return
  }
  const isAdmin = me.role === 'admin' && me.scopes.includes('admin')
  const entry = (/** @type {[string, {title: string}]} */ [path, page]) => h('li', {}, h('a', { href: link(path), 'data-page': path }, page.title))
  const pages = Object.entries(PAGES)
  const own = pages.filter(([, page]) => !page.admin).map(entry)
  const administration = pages.filter(([, page]) => page.admin).map(entry)
  const menu = h('button', { type: 'button', class: 'menu', 'aria-expanded': 'false', 'aria-controls': 'nav' }, 'Menu')
  const nav = h('nav', { id: 'nav', 'aria-label': 'Pages' }, h('ul', {}, ...own),
    isAdmin ? [h('h2', {}, 'Administration'), h('ul', {}, ...administration)] : null)
  const toggle = (/** @type {boolean} */ open) => {
    nav.classList.toggle('open', open)
    menu.setAttribute('aria-expanded', String(open))
  }
  menu.onclick = () => toggle(!nav.classList.contains('open'))
  nav.onclick = (event) => event.target instanceof HTMLAnchorElement && toggle(false)
  const leave = h('button', { type: 'button', class: 'plain' }, 'Sign out')
  leave.onclick = signOut
  const state = h('span', { class: 'live' })
  live.watch((now) => {
    fill(state, now === 'off' ? null : badge(now))
    state.title = now === 'off' ? '' : now
  })
  fill(app,
    h('a', { class: 'skip', href: '#main' }, 'Skip to the page'),
    h('header', {}, menu, brand(), state, h('span', { class: 'who' }, me.name), leave),
    h('div', { class: 'body' }, nav, h('div', { class: 'page' }, panel, main)))
  app.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault()
    main.focus()
  })
}

/** @type {string | undefined} */
let shown

async function show() {
  if (!me) {
    return
  }
  const address = location.hash.replace(/^#\/?/, '')
  const [path, search] = address.split('?')
  const [name, ...parts] = (path || 'documents').split('/').map(decodeURIComponent)
  const page = PAGES[name ?? '']
  leaving.abort()
  leaving = new AbortController()
  if (shown !== name) {
    leavePage()
    shown = name
  }
  for (const entry of app.querySelectorAll('nav a')) {
    const isHere = entry.getAttribute('data-page') === name
    isHere ? entry.setAttribute('aria-current', 'page') : entry.removeAttribute('aria-current')
  }
  document.title = `${page?.title ?? 'Not found'} – Dossier`
  fill(main)
  const context = { main, parts, query: new URLSearchParams(search), signal: leaving.signal, me }
  const draw = parts.length > 0 ? page?.one : page?.list
  try {
    if (!draw) {
      fill(main, heading('Nothing is here'), h('p', {}, h('a', { href: '#/documents' }, 'To the documents')))
      return
    }
    await draw(context)
  } catch (error) {
    if (!context.signal.aborted) {
      fill(main, heading(page?.title ?? ''), problem(error, () => void show()))
    }
  }
}

addEventListener('hashchange', () => {
  if (location.hash !== '#main') {
    void show().then(() => main.focus({ preventScroll: true }))
    scrollTo(0, 0)
  }
})
addEventListener('signed-out', () => {
  if (me) {
    key.forget()
    signIn('The service refuses your key now: it was removed or has expired. Sign in again.')
  }
})
addEventListener('beforeunload', (event) => isUploading() && event.preventDefault())
acceptDrops(main)

const refused = refusal()
if (key.get()) {
  // Somebody signed in already goes on as who they are.
  begin().then(() => refused && notify(refused)).catch((error) => {
    if (error.status === 401) {
      key.forget()
    } else {
      notify(error.message)
    }
    signIn()
  })
} else {
  signIn(refused)
}
