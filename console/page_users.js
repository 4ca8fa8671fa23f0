// The pages of users, for admins: the list, and one with quota, role and keys.

import { change, get } from './api.js'
import { bytes, fill, h, link, moment, number } from './dom.js'
import { keysOf } from './page_account.js'
import { badge, button, count, dialog, facts, field, form, heading, list, notify, select, text } from './parts.js'

/** @typedef {import('./api.js').Schemas['User']} User */
/** @typedef {import('./app.js').Context} Context */

/** @type {[string, string][]} */
const ROLES = [['user', 'user'], ['admin', 'admin']]

/** @param {Context} context */
export function users({ main, signal }) {
  const found = list({
    caption: 'Users',
    columns: ['Name', 'Role', 'State', 'Quota', 'Created'],
    path: '/v1/admin/users',
    query: { limit: 50 },
    signal,
    row: (/** @type {User} */ user) => [
      h('a', { href: link(`users/${user.id}`), class: 'name' }, user.name), user.role, badge(user.disabled ? 'disabled' : 'enabled'),
      quota(user), moment(user.created_at),
    ],
    empty: 'There is no user.',
  })
  const make = form('Add', async (data) => {
    const made = await change('POST', '/v1/admin/users', { name: text(data, 'name'), role: String(data.get('role')) })
    location.hash = link(`users/${made.id}`)
  }, field('Name', h('input', { name: 'name', required: true })), field('Role', select(ROLES, 'user', { name: 'role' })))
  fill(main, heading('Users'), found.element, h('h2', {}, 'Add a user'), make)
}

/** @param {User} user */
const quota = (user) =>
  user.quota_bytes === null && user.quota_documents === null
    ? 'default'
    : [user.quota_bytes === null ? '' : bytes(user.quota_bytes), user.quota_documents === null ? '' : `${number(user.quota_documents ?? 0)} documents`].filter((part) => part).join(', ')

/** @param {Context} context */
export async function user({ main, parts, signal }) {
  const path = `/v1/admin/users/${encodeURIComponent(parts[0] ?? '')}`
  /** @type {User} */
  let now = await get(path, { signal })
  const top = h('div', {})

  /** @param {Record<string, unknown>} changes */
  async function patch(changes) {
    now = await change('PATCH', path, changes)
    notify('Saved.')
    draw()
  }

  function draw() {
    fill(top, heading(now.name,
      button(now.disabled ? 'Enable' : 'Disable', () => patch({ disabled: !now.disabled })),
      button('Delete', () => askDelete(now, path), { class: 'danger' })),
    facts([['Role', now.role], ['State', badge(now.disabled ? 'disabled' : 'enabled')], ['Quota', quota(now)], ['Created', moment(now.created_at)], ['Id', h('code', {}, now.id)]]))
  }

  draw()
  const edit = form('Save', (data) => patch({
    name: text(data, 'name'), role: String(data.get('role')),
    quota_bytes: count(data, 'quota_bytes') ?? null, quota_documents: count(data, 'quota_documents') ?? null,
  }),
  field('Name', h('input', { name: 'name', value: now.name, required: true })), field('Role', select(ROLES, now.role, { name: 'role' })),
  field('Quota, bytes', h('input', { name: 'quota_bytes', type: 'number', min: 0, value: now.quota_bytes ?? '' }), 'Empty: the default.'),
  field('Quota, documents', h('input', { name: 'quota_documents', type: 'number', min: 0, value: now.quota_documents ?? '' }), 'Empty: the default.'))
  fill(main, top, h('h2', {}, 'Edit'), edit, h('h2', {}, 'Keys'), ...keysOf(`${path}/keys`, signal, undefined))
}

/** @param {User} user @param {string} path */
function askDelete(user, path) {
  const name = h('input', { name: 'name', required: true, autocomplete: 'off' })
  const box = dialog('Delete a user', h('p', {}, `All documents of ${user.name} are deleted with them, and can’t be brought back. Disable the user instead if you may need them.`),
    form('Delete', async () => {
      if (name.value !== user.name) {
        throw new Error('That isn’t the name.')
      }
      await change('DELETE', path)
      box.close()
      location.hash = '#/users'
    }, field(`Type ${user.name} to confirm`, name)))
}
