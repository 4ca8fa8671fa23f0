// The page of the last hour, for admins: charts of what the process that answers has counted.

import { get, pause } from './api.js'
import { chart } from './chart.js'
import { bytes, duration, fill, h, number } from './dom.js'
import { heading, problem } from './parts.js'

/** @typedef {import('./api.js').Schemas['Activity']} Activity */
/** @typedef {import('./app.js').Context} Context */

const LOOK = 10

/** @param {Context} context */
export async function activity({ main, signal }) {
  const failure = h('div', {})
  const charts = h('div', { class: 'cards' })
  fill(main, heading('Activity'), h('p', { class: 'quiet' }, 'The last hour, a bar for each minute; the last one goes on. Each process of the API counts its own requests and uploads since it started.'), failure, charts)
  while (!signal.aborted) {
    try {
      /** @type {Activity} */
      const { minutes } = await get('/v1/admin/activity', { signal })
      fill(charts,
        chart('Requests a minute', minutes.map((minute) => minute.requests), number),
        chart('Failed requests a minute', minutes.map((minute) => minute.failed), number),
        chart('Uploads a minute', minutes.map((minute) => minute.uploads), number),
        chart('Uploaded a minute', minutes.map((minute) => minute.upload_bytes), bytes),
        chart('Waiting jobs', minutes.map((minute) => minute.waiting_jobs), number),
        chart('Oldest pending document', minutes.map((minute) => minute.oldest_pending_seconds), duration))
      fill(failure)
    } catch (error) {
      if (!signal.aborted) {
        fill(failure, problem(error))
      }
    }
    await pause(LOOK, signal)
  }
}
