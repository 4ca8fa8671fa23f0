// Builds elements. Data becomes text or an attribute, never markup; used by every page.

/** @typedef {Node | string | number | false | null | undefined} Child */

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'indeterminate', 'hidden', 'open', 'selected'])
const OWN = /^(#|\/(?!\/)|blob:)/

/**
 * An element with attributes, listeners (`onclick` …) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  add(element, ...children)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) {
      continue
    }
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    } else if (PROPERTIES.has(name)) {
      Reflect.set(element, name, value)
    } else if ((name === 'href' || name === 'src') && !OWN.test(String(value))) {
      throw new Error(`${value} leads elsewhere`)
    } else {
      element.setAttribute(name, value === true ? '' : String(value))
    }
  }
  return element
}

/**
 * Appends children; what is empty is left out.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function add(element, ...children) {
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : String(child))
    }
  }
}

/**
 * Replaces what is in an element.
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  element.replaceChildren()
  add(element, ...children)
}

/**
 * @param {number | null | undefined} count
 * @returns {string}
 */
export function bytes(count) {
  if (count === null || count === undefined) {
    return '–'
  }
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let unit = 0
  let size = count
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  const digits = unit > 0 && size < 10 ? 1 : 0
  return `${size.toFixed(digits)} ${units[unit]}`
}

/** @param {number} count */
export const number = (count) => new Intl.NumberFormat('en').format(count)

/**
 * `1 document`, `2 documents`.
 * @param {number} count
 * @param {string} one
 */
export const plural = (count, one) => `${number(count)} ${one}${count === 1 ? '' : 's'}`

const SHORT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/**
 * A moment, in the reader's time; the exact one as its title.
 * @param {string | null | undefined} text
 * @returns {Child}
 */
export function moment(text) {
  return text ? h('time', { datetime: text, title: text }, SHORT.format(new Date(text))) : '–'
}

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) {
    return '–'
  }
  if (seconds < 60) {
    return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`
  }
  return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/**
 * Where a page of the console is.
 * @param {string} path
 * @param {Record<string, string | null | undefined>} [query]
 */
export function link(path, query = {}) {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value) {
      search.set(name, value)
    }
  }
  return `#/${path}${search.size > 0 ? `?${search}` : ''}`
}
