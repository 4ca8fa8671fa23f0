// The pages of an operator: queues with pause, jobs with retry, workers, and the security log.

import { change, get, pause } from './api.js'
import { duration, fill, h, link, moment, number, plural } from './dom.js'
import { badge, button, confirm, field, heading, list, notify, problem, select, tableRow } from './parts.js'

/** @typedef {import('./api.js').Schemas['Queue']} Queue */
/** @typedef {import('./api.js').Schemas['Job']} Job */
/** @typedef {import('./api.js').Schemas['ScheduledJob']} ScheduledJob */
/** @typedef {import('./api.js').Schemas['Worker']} Worker */
/** @typedef {import('./api.js').Schemas['AuditLogEntry']} Entry */
/** @typedef {import('./api.js').Schemas['User']} User */
/** @typedef {import('./app.js').Context} Context */

const QUEUE_COLUMNS = ['Queue', 'State', 'Waiting', 'Running', 'Dead', 'Oldest waits', '']
const SCHEDULE_COLUMNS = ['Recurring job', 'Queue', 'Every', 'Next time']
const LOOK = 2

/** @param {string} caption @param {string[]} columns @param {HTMLElement} body */
const table = (caption, columns, body) => h('div', { class: 'list' }, h('table', {}, h('caption', { class: 'away' }, caption),
  h('thead', {}, h('tr', {}, ...columns.map((column) => h('th', { scope: 'col' }, column || h('span', { class: 'away' }, 'Actions'))))), body))

/** @param {Context} context */
export async function queues({ main, signal }) {
  const body = h('tbody', {})
  const failure = h('div', {})
  const schedule = h('tbody', {})
  fill(main, heading('Queues'), h('p', { class: 'quiet' }, 'Workers claim nothing of a paused queue. What runs ends as usual; what is uploaded waits.'), failure,
    table('Queues', QUEUE_COLUMNS, body),
    h('h2', {}, 'Schedule'), h('p', { class: 'quiet' }, 'A job is left out if there is nothing for it to do, or if no setting asks for it.'),
    table('Schedule', SCHEDULE_COLUMNS, schedule))
  /** @type {Map<string, HTMLTableRowElement>} */
  const rows = new Map()

  /** @param {Queue} queue */
  async function flip(queue) {
    await change('POST', `/v1/admin/queues/${queue.queue}/${queue.paused ? 'resume' : 'pause'}`)
    notify(queue.paused ? `The queue ${queue.queue} goes on.` : `The queue ${queue.queue} is paused.`)
    await look()
  }

  /** @param {Queue} queue */
  const row = (queue) => tableRow(QUEUE_COLUMNS, [
    h('strong', {}, queue.queue),
    h('span', {}, badge(queue.paused ? 'paused' : 'running'), queue.paused_at ? h('span', { class: 'quiet' }, ' since ', moment(queue.paused_at)) : null,
      queue.waits_for ? h('span', { class: 'badge bad' }, `waits for ${queue.waits_for.join(', ')}`) : null),
    number(queue.depth), number(queue.running),
    queue.dead > 0 ? h('a', { href: link('jobs', { state: 'dead', queue: queue.queue }) }, number(queue.dead)) : '0',
    duration(queue.oldest_seconds),
    button(queue.paused ? 'Resume' : 'Pause', () => flip(queue), { 'aria-label': `${queue.paused ? 'Resume' : 'Pause'} ${queue.queue}` }),
  ])

  async function look() {
    const [page, due] = await Promise.all([get('/v1/admin/queues', { signal }), get('/v1/admin/schedule', { signal })])
    fill(schedule, ...due.items.map((/** @type {ScheduledJob} */ job) => tableRow(SCHEDULE_COLUMNS, [
      job.kind, job.queue, duration(job.every_seconds), moment(job.next_at),
    ])))
    for (const queue of page.items) {
      const before = rows.get(queue.queue)
      const made = row(queue)
      // The focus stays on its button.
      const isFocused = before?.contains(document.activeElement)
      before ? before.replaceWith(made) : body.append(made)
      rows.set(queue.queue, made)
      if (isFocused) {
        made.querySelector('button')?.focus()
      }
    }
  }

  while (!signal.aborted) {
    try {
      await look()
      fill(failure)
    } catch (error) {
      if (!signal.aborted) {
        fill(failure, problem(error))
      }
    }
    await pause(LOOK, signal)
  }
}

/** @param {Context} context */
export async function jobs({ main, query, signal }) {
  /** @type {{items: Queue[]}} */
  const known = await get('/v1/admin/queues', { signal })
  const names = known.items.map((queue) => /** @type {[string, string]} */ ([queue.queue, queue.queue]))
  const state = select([['dead', 'dead'], ['ready', 'waiting'], ['running', 'running'], ['done', 'done'], ['', 'all']], query.get('state') ?? 'dead')
  const queue = select([['', 'all'], ...names], query.get('queue') ?? '')
  const asked = () => ({ state: state.value, queue: queue.value, limit: 50 })
  const found = list({
    caption: 'Jobs',
    columns: ['Kind', 'Queue', 'State', 'Attempts', 'Last error', 'Created', ''],
    path: '/v1/admin/jobs',
    query: asked(),
    signal,
    row: (/** @type {Job} */ job) => [
      job.kind, job.queue, badge(job.state), String(job.attempts), job.last_error ?? '–', moment(job.created_at),
      job.state === 'dead' ? button('Retry', async () => {
        await change('POST', `/v1/admin/jobs/${job.id}/retry`)
        notify('The job is ready again.')
        await found.reload()
      }, { class: 'plain', 'aria-label': `Retry ${job.kind}` }) : null,
    ],
    empty: 'No job is like this.',
  })
  state.onchange = queue.onchange = () => void found.reload(asked())
  const all = button('Retry all dead', () => confirm('Retry dead jobs', queue.value ? `All dead jobs of the queue ${queue.value} begin anew.` : 'All dead jobs begin anew.', 'Retry', async () => {
    const made = await change('POST', '/v1/admin/jobs/retry', queue.value ? { queue: queue.value } : {})
    notify(`${plural(made.retried, 'job')} retried, ${number(made.refused)} refused${made.more ? '; there are more' : ''}.`)
    await found.reload()
  }))
  const cancel = button('Cancel waiting', () => {
    if (!queue.value) {
      notify('Choose a queue first.')
      return
    }
    confirm('Cancel waiting jobs', `All waiting jobs of the queue ${queue.value} are given up: documents fail, and may be retried; operations end in error.`, 'Cancel them', async () => {
      const made = await change('POST', '/v1/admin/jobs/cancel', { queue: queue.value })
      notify(`${plural(made.cancelled, 'job')} cancelled${made.more ? '; there are more' : ''}.`)
      await found.reload()
    })
  }, { class: 'danger' })
  fill(main, heading('Jobs', all, cancel), h('div', { class: 'filters' }, field('State', state), field('Queue', queue)), found.element)
}

/** @param {Context} context */
export function workers({ main, signal }) {
  const found = list({
    caption: 'Workers',
    columns: ['Worker', 'Queues', 'Running', 'Last seen'],
    path: '/v1/admin/workers',
    signal,
    row: (/** @type {Worker} */ worker) => [h('code', {}, worker.name), worker.queues.join(', '), number(worker.running), moment(worker.last_seen)],
    empty: 'No worker is alive: nothing that is uploaded becomes active. Start one: dossier worker',
  })
  fill(main, heading('Workers', button('Refresh', () => found.reload())), found.element)
}

/** @param {Context} context */
export async function auditLog({ main, signal }) {
  // Who isn't among the newest users is told by the id.
  const users = await get('/v1/admin/users?limit=200', { signal })
  /** @type {Map<string, string>} */
  const names = new Map(users.items.map((/** @type {User} */ user) => [user.id, user.name]))
  const one = (/** @type {string | null | undefined} */ id) => {
    const name = names.get(id ?? '')
    return name ? h('a', { href: link(`users/${id}`), title: id }, name) : h('code', {}, id ?? '–')
  }
  const found = list({
    caption: 'Security log',
    columns: ['When', 'What', 'Who', 'About', 'From', 'Details'],
    path: '/v1/admin/audit-log',
    query: { limit: 50 },
    signal,
    row: (/** @type {Entry} */ entry) => [
      moment(entry.at), entry.kind, one(entry.actor), one(entry.subject), entry.address ?? '–', words(entry.detail),
    ],
    empty: 'Nothing was recorded yet.',
  })
  found.element.classList.add('log')
  fill(main, heading('Security log', button('Refresh', () => found.reload())), found.element)
}

/** What an entry says beside who and whom. @param {Entry['detail']} detail */
function words(detail) {
  const told = Object.entries(/** @type {Record<string, unknown>} */ (detail)).map(([name, value]) => `${name.replaceAll('_', ' ')}: ${plain(value)}`)
  return told.join('; ') || '–'
}

/** @param {unknown} value @returns {string} */
function plain(value) {
  if (Array.isArray(value)) {
    return value.map(plain).join(', ')
  }
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).map(([name, inner]) => `${name}=${plain(inner)}`).join(', ')
  }
  return String(value)
}
