// Pages through a list of 100,000 documents in a real browser, filters it, selects all of it, and has
// documents arrive meanwhile. What it costs is counted: requests, rows and elements. Its own arguments: an
// admin's key, and how many documents there are.

const { base, click, expect, run, see, words } = require('../../src/browser.cjs')

const [key, total] = words
const PAGE = 50
/** More than a page with all its rows has, and far less than a thousand rows would. */
const MOST_ELEMENTS = 2_500
/** More than an answer with all its rows has. */
const MOST_BYTES = 100_000
const ARRIVE = 60

/** The lists that were asked for. */
const asked = []

const rows = (page) => page.locator('tbody tr').count()
const elements = (page) => page.evaluate(() => document.querySelectorAll('*').length)

/** Does something, waits until what it leads to is seen, and holds its cost against what it may be. */
async function costs(page, what, requests, does, sign) {
  const before = asked.length
  await does()
  await see(page, sign)
  await see(page, '.list[aria-busy=false]')
  const cost = { requests: asked.length - before, rows: await rows(page), elements: await elements(page) }
  expect(cost.requests === requests && cost.rows <= PAGE && cost.elements <= MOST_ELEMENTS, `${what}: ${JSON.stringify(cost)}`)
}

async function arrive() {
  for (let number = 0; number < ARRIVE; number++) {
    const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'text/plain' }
    const sent = await fetch(`${base}/v1/documents?name=arrived-${number}.txt`, { method: 'POST', headers, body: `${number}` })
    if (sent.status !== 202) {
      throw new Error(`an upload was answered ${sent.status}`)
    }
  }
}

/** A list that comes after one that was asked for later is not shown. */
async function isOvertaken(page) {
  let release = () => {}
  const held = new Promise((resolve) => (release = resolve))
  const isSlow = (url) => url.searchParams.get('name') === 'report 1'
  await page.route(isSlow, async (route) => {
    await held
    await route.continue()
  })
  const asks = page.waitForRequest((request) => isSlow(new URL(request.url())))
  await page.fill('input[name=name]', 'report 1')
  await asks
  const sign = `tbody tr:only-child:has-text("report ${total - 1} of")`
  await costs(page, 'what overtakes', 1, () => page.fill('input[name=name]', `report ${total - 1} of`), sign)
  const comes = page.waitForResponse((answer) => isSlow(new URL(answer.url())))
  release()
  await (await comes).finished()
  await page.evaluate(() => new Promise((resolve) => setTimeout(() => requestAnimationFrame(resolve))))
  expect((await rows(page)) === 1, 'the list is the one that was overtaken')
}

run(async (page) => {
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === '/v1/documents') {
      asked.push(request.url())
    }
  })
  page.on('response', async (answer) => {
    if (new URL(answer.url()).pathname === '/v1/documents') {
      const { length } = await answer.body().catch(() => '')
      expect(length <= MOST_BYTES, `${answer.url()}: ${length} bytes`)
    }
  })
  await page.goto(`${base}/console`)
  await page.fill('input[name=key]', key)
  await costs(page, 'the first page', 1, () => page.keyboard.press('Enter'), `tbody tr >> nth=${PAGE - 1}`)
  for (const number of [2, 3, 4]) {
    await costs(page, `page ${number}`, 1, () => click(page, 'button:text-is("Older")'), `.pager :text-is("Page ${number}")`)
  }
  await costs(page, 'the largest', 1, () => page.selectOption('select[name=sort]', '-size_bytes'), '.pager :text-is("Page 1")')
  // A hand that clicks twice turns one page.
  const twice = () => page.locator('button:text-is("Older")').evaluate((button) => (button.click(), button.click()))
  await costs(page, 'two clicks', 1, twice, '.pager :text-is("Page 2")')
  await isOvertaken(page)
  await costs(page, 'any name', 1, () => page.fill('input[name=name]', ''), `tbody tr >> nth=${PAGE - 1}`)
  await costs(page, 'the newest', 1, () => page.selectOption('select[name=sort]', ''), `tbody tr:first-child:has-text("report ${total - 1} of")`)
  await page.check('[aria-label="Select all on this page"]')
  await costs(page, 'all that match', 0, () => click(page, 'button:text-is("Select all that match")'), 'strong:text-is("All that match")')
  await click(page, 'button:text-is("Select none")')
  await see(page, '.badge:text-is("live")')
  await costs(page, 'documents that arrive', 0, arrive, `tr:has-text("arrived-${ARRIVE - 1}.txt") .badge:text-is("active")`)
})
