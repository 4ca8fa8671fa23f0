// Server-sent events of the signed-in user: one stream for the tab, read with fetch, since EventSource
// can't send the key. It goes on where it was after a cut.

import { key, pause } from './api.js'

/** @typedef {import('./api.js').Schemas['Event']} Event */
/** @typedef {'connecting' | 'live' | 'off'} State */

const LONGEST_PAUSE = 30

/** @type {Set<(event: Event) => void>} */
const listeners = new Set()
/** @type {Set<(state: State) => void>} */
const watchers = new Set()
/** @type {AbortController | null} */
let current = null
/** @type {State} */
let state = 'off'

/**
 * Calls back for each event, until the signal.
 * @param {(event: Event) => void} listener
 * @param {AbortSignal} signal
 */
export function subscribe(listener, signal) {
  listeners.add(listener)
  signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
}

/**
 * Calls back with the stream's state, now and when it changes.
 * @param {(state: State) => void} watcher
 */
export function watch(watcher) {
  watchers.add(watcher)
  watcher(state)
}

/** Begins to read. */
export function start() {
  stop()
  current = new AbortController()
  void follow(current.signal)
}

/** Ends reading. */
export function stop() {
  current?.abort()
  current = null
  tell('off')
}

/** @param {State} next */
function tell(next) {
  state = next
  watchers.forEach((watcher) => watcher(next))
}

/** @param {AbortSignal} signal */
async function follow(signal) {
  let last = ''
  for (let wait = 1; !signal.aborted; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    tell('connecting')
    try {
      const headers = new Headers({ Accept: 'text/event-stream', Authorization: `Bearer ${key.get() ?? ''}` })
      if (last) {
        headers.set('Last-Event-ID', last)
      }
      const answer = await fetch(last ? '/v1/events' : '/v1/events?after=now', { headers, signal })
      if (answer.ok && answer.body) {
        wait = 1
        tell('live')
        await read(answer.body, last, (id, event) => {
          last = id
          if (event) {
            listeners.forEach((listener) => listener(event))
          }
        })
      } else if (answer.status === 410) {
        last = ''
      } else if ([401, 403, 404].includes(answer.status)) {
        break
      }
    } catch {
      // The connection broke: another one is made.
    }
    await pause(wait, signal)
  }
  if (!signal.aborted) {
    tell('off')
  }
}

/**
 * Reads a stream of events to its end. A block without data has at most an id: how far the stream is.
 * @param {ReadableStream<Uint8Array>} body
 * @param {string} id
 * @param {(id: string, event: Event | null) => void} on
 */
async function read(body, id, on) {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let data = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) {
      return
    }
    const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        on(id, data ? JSON.parse(data) : null)
        data = ''
      } else if (line.startsWith('id:')) {
        id = line.slice(3).trim()
      } else if (line.startsWith('data:')) {
        data += line.slice(5).trim()
      }
    }
  }
}
