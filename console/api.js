// Requests to the API as the one who signed in: the key, problems as errors, idempotency keys. The key
// is kept for this tab alone (sessionStorage), and is sent to the service that the page is from.

const KEY = 'dossier.key'
const FROM = 'dossier.key-from'
const MOST_PATIENCE = 10

/** @typedef {import('./schema.d.ts').components['schemas']} Schemas */

/**
 * @template T
 * @typedef {{items: T[], next_cursor: string | null}} Page
 */

/**
 * @typedef {object} Options
 * @property {unknown} [json] the body, as JSON
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/** What the service refused, with its code. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {Partial<Schemas['Problem']>} problem
   */
  constructor(status, problem) {
    // What is wrong with each field; the detail says the same of one.
    const fields = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer.replace(/^\//, '')} ${detail}`)
    const detail = problem.detail || problem.title || `The service answered ${status}.`
    super(fields.length > 0 ? `Please check: ${fields.join('; ')}.` : detail)
    this.status = status
    this.code = problem.code ?? ''
  }
}

/** The service can't be reached. */
export class Unreachable extends Error {
  constructor() {
    super('The service can’t be reached.')
    this.code = 'unreachable'
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  /** Whether it came of signing in with the provider, so that nobody else has it. */
  isFromProvider: () => sessionStorage.getItem(FROM) === 'provider',
  /** @param {string} text @param {'hand' | 'provider'} from */
  set: (text, from) => {
    sessionStorage.setItem(KEY, text)
    sessionStorage.setItem(FROM, from)
  },
  forget: () => {
    sessionStorage.removeItem(KEY)
    sessionStorage.removeItem(FROM)
  },
}

/** A key of idempotency: a repeated request takes effect once. */
export function onceKey() {
  const random = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** @param {number} seconds @param {AbortSignal} [signal] */
export function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000)
    signal?.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true })
  })
}

/**
 * A request; an error status is thrown as [`Refused`].
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function request(method, path, options = {}) {
  const headers = new Headers(options.headers)
  headers.set('Authorization', `Bearer ${key.get() ?? ''}`)
  let body = options.body
  if (options.json !== undefined) {
    body = JSON.stringify(options.json)
    headers.set('Content-Type', 'application/json')
  }
  if (method !== 'GET' && method !== 'HEAD' && !headers.has('Idempotency-Key')) {
    headers.set('Idempotency-Key', onceKey())
  }
  for (let tries = 0; ; tries += 1) {
    const answer = await send(path, { method, headers, body, signal: options.signal })
    if (answer.ok) {
      return answer
    }
    const wait = Number(answer.headers.get('Retry-After') ?? Infinity)
    if ([429, 503].includes(answer.status) && method === 'GET' && tries < 3 && wait <= MOST_PATIENCE) {
      await pause(wait, options.signal)
      continue
    }
    const problem = await answer.json().catch(() => ({}))
    if (answer.status === 401) {
      dispatchEvent(new Event('signed-out'))
    }
    throw new Refused(answer.status, problem)
  }
}

/** @param {string} path @param {RequestInit} init */
async function send(path, init) {
  try {
    return await fetch(path, init)
  } catch (error) {
    throw init.signal?.aborted ? error : new Unreachable()
  }
}

/**
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export const get = async (path, options) => (await request('GET', path, options)).json()

/**
 * A changing request; the answer's JSON, or null if there is none.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [json]
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function change(method, path, json, options = {}) {
  const answer = await request(method, path, json === undefined ? options : { ...options, json })
  const text = await answer.text()
  return text ? JSON.parse(text) : null
}

/**
 * A path with a query; empty values are left out.
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} query
 */
export function withQuery(path, query) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') {
      search.set(name, String(value))
    }
  }
  return search.size > 0 ? `${path}?${search}` : path
}

/** @param {string} id */
export const documentPath = (id) => `/v1/documents/${encodeURIComponent(id)}`
