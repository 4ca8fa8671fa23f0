// The pages of webhooks: the endpoints that are told of events, and what was delivered to each.

import { Refused, change, get } from './api.js'
import { fill, h, link, moment } from './dom.js'
import { badge, button, confirm, facts, field, form, heading, list, notify, select, showSecret, text } from './parts.js'

/**
 * @typedef {object} Webhook
 * @property {string} id
 * @property {string} url
 * @property {string[]} types
 * @property {string} status
 * @property {string | null} description
 * @property {string | null} disabled_reason
 * @property {string} created_at
 * @property {string | null} last_success_at
 * @property {string | null} last_failure_at
 */

/**
 * @typedef {object} Delivery
 * @property {string} id
 * @property {string} type
 * @property {string} status
 * @property {string} [created_at]
 * @property {{at?: string, status_code?: number | null, duration_ms?: number, answer?: string | null, error?: string | null}[]} [attempts]
 */

/** @typedef {import('./app.js').Context} Context */

const KEEP = 'It signs what is sent, so that the endpoint can tell that it is from here. It is shown once: keep it where the endpoint reads it.'

/** @param {Context} context */
export async function webhooks({ main, signal }) {
  fill(main, heading('Webhooks'), h('p', { class: 'quiet' }, 'Loading …'))
  try {
    await get('/v1/webhooks?limit=1', { signal })
  } catch (error) {
    if (error instanceof Refused && error.status === 404) {
      fill(main, heading('Webhooks'), h('div', { class: 'empty' }, 'This release of the service has no webhooks. Read the ', h('a', { href: '#/events' }, 'events'), ' instead.'))
      return
    }
    throw error
  }
  const found = list({
    caption: 'Webhooks',
    columns: ['Endpoint', 'Status', 'Types', 'Last success', 'Last failure'],
    path: '/v1/webhooks',
    signal,
    row: (/** @type {Webhook} */ hook) => [h('a', { href: link(`webhooks/${hook.id}`), class: 'name' }, hook.url), badge(hook.status), hook.types.join(', '), moment(hook.last_success_at), moment(hook.last_failure_at)],
    empty: 'No endpoint is told of events yet. Add one below.',
  })
  const add = form('Add', async (data) => {
    const types = (text(data, 'types') ?? '*').split(/[\s,]+/)
    const made = await change('POST', '/v1/webhooks', { url: text(data, 'url'), types, description: text(data, 'description') })
    showSecret('Secret of the webhook', KEEP, made.secret)
    await found.reload()
  }, field('URL', h('input', { name: 'url', type: 'url', required: true, placeholder: 'https://' })),
  field('Types', h('input', { name: 'types', value: '*' }), 'Separated by spaces; * is all.'),
  field('Description', h('input', { name: 'description' })))
  fill(main, heading('Webhooks'), found.element, h('h2', {}, 'Add a webhook'), add)
}

/** @param {Context} context */
export async function webhook({ main, parts, signal }) {
  const path = `/v1/webhooks/${encodeURIComponent(parts[0] ?? '')}`
  /** @type {Webhook} */
  let now = await get(path, { signal })
  const top = h('div', {})
  const status = select([['', 'all'], ['pending', 'pending'], ['delivered', 'delivered'], ['failed', 'failed']], '')
  const deliveries = list({
    caption: 'Deliveries',
    columns: ['Event', 'Status', 'Attempts', 'Last answer', ''],
    path: `${path}/deliveries`,
    query: {},
    signal,
    row: (/** @type {Delivery} */ delivery) => {
      const last = delivery.attempts?.at(-1)
      return [delivery.type, badge(delivery.status), String(delivery.attempts?.length ?? '–'),
        last ? h('span', { title: last.answer ?? '' }, moment(last.at), ` ${last.status_code ?? last.error ?? ''}`) : '–',
        delivery.status === 'pending' ? null : button('Retry', async () => {
          await change('POST', `${path}/deliveries/${delivery.id}/retry`)
          await deliveries.reload()
        }, { class: 'plain' })]
    },
    empty: 'Nothing was delivered yet. Send a test.',
  })
  status.onchange = () => void deliveries.reload({ status: status.value })

  function draw() {
    const isOn = now.status === 'enabled'
    fill(top, heading(now.url,
      button('Send a test', async () => {
        await change('POST', `${path}/test`)
        notify('A test is on its way.')
        await deliveries.reload()
      }, { class: 'primary' }),
      button(isOn ? 'Disable' : 'Enable', async () => {
        now = await change('PATCH', path, { status: isOn ? 'disabled' : 'enabled' })
        draw()
      }),
      button('New secret', async () => showSecret('New secret', `${KEEP} Both secrets sign for 24 hours.`, (await change('POST', `${path}/rotate`)).secret)),
      button('Delete', () => confirm('Delete this webhook', 'Its endpoint is told of nothing any more.', 'Delete', async () => {
        await change('DELETE', path)
        location.hash = '#/webhooks'
      }), { class: 'danger' })),
    now.disabled_reason ? h('div', { class: 'problem' }, `Disabled: ${now.disabled_reason}`) : null,
    facts([['Status', badge(now.status)], ['Types', now.types.join(', ')], ['Description', now.description], ['Last success', moment(now.last_success_at)], ['Last failure', moment(now.last_failure_at)]]))
  }

  const replay = form('Replay', async (data) => {
    await change('POST', `${path}/replay`, { after: text(data, 'after') })
    notify('The events are on their way again.')
    await deliveries.reload()
  }, field('Events after this cursor', h('input', { name: 'after', required: true, autocomplete: 'off' }), 'Cursors are on the page of events.'))
  draw()
  fill(main, top, h('div', { class: 'heading' }, h('h2', {}, 'Deliveries'), field('Status', status)), deliveries.element, h('h2', {}, 'Deliver again'), replay)
}
