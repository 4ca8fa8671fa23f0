// A chart of one number over the minutes of an hour.

import { h } from './dom.js'

const SVG = 'http://www.w3.org/2000/svg'
const MINUTES = 61
const STEP = 5
const HEIGHT = 60

/**
 * A card with the last value, a bar for each minute, and the most.
 * @param {string} title
 * @param {number[]} values the oldest first
 * @param {(value: number) => string} shown
 */
export function chart(title, values, shown) {
  const most = Math.max(...values, 0)
  const last = values.at(-1) ?? 0
  const picture = document.createElementNS(SVG, 'svg')
  const label = `${title}: ${shown(last)}, at most ${shown(most)} in the last hour`
  for (const [name, value] of Object.entries({ class: 'chart', role: 'img', 'aria-label': label, viewBox: `0 0 ${MINUTES * STEP} ${HEIGHT}`, preserveAspectRatio: 'none' })) {
    picture.setAttribute(name, value)
  }
  const bars = document.createElementNS(SVG, 'path')
  const begin = MINUTES - values.length
  const bar = (/** @type {number} */ value, /** @type {number} */ place) => {
    const height = most > 0 ? (value / most) * HEIGHT : 0
    return height > 0 ? `M${(begin + place + 0.5) * STEP} ${HEIGHT}v${-Math.max(height, 1)}` : ''
  }
  bars.setAttribute('d', values.map(bar).join(''))
  picture.append(bars)
  return h('section', { class: 'card' }, h('h2', {}, title), h('p', {}, shown(last)), picture, h('p', { class: 'quiet' }, `At most ${shown(most)}`))
}
