// Drives the console in a real browser as people do, and has axe look at each page, narrow and wide, light
// and dark. Its own arguments: an admin's key, and a folder for pictures, if they are wanted.

const fs = require('fs')
const path = require('path')
const { PATIENCE, base, click, expect, run, see, words, wrong } = require('../../src/browser.cjs')

const [key, pictures] = words
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const PDF =
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n' +
  '3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n'
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAFElEQVR42mNk+M+AFzDhlRxVNHIUAgAfBAEPbCRb6QAAAABJRU5ErkJggg=='
const HOSTILE = '<img src=x onerror=alert(1)>.txt'
const LOOKS = [
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 1280, height: 800, colorScheme: 'dark' },
  { width: 360, height: 740, colorScheme: 'light' },
  { width: 360, height: 740, colorScheme: 'dark' },
]

const named = (name) => `button:text-is("${name}")`

/** Drops files on the page, as a hand does. */
async function drop(page, files) {
  const data = await page.evaluateHandle((files) => {
    const data = new DataTransfer()
    for (const [name, type, text] of files) {
      const bytes = type === 'image/png' ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : text
      data.items.add(new File([bytes], name, { type }))
    }
    return data
  }, files)
  await page.dispatchEvent('#main', 'drop', { dataTransfer: data })
}

async function go(page, place) {
  await page.evaluate((place) => (location.hash = place), place)
  await see(page, `nav a[aria-current][data-page="${place.slice(2)}"] >> visible=true`)
  await see(page, 'main h1')
  await page.waitForFunction(() => !document.querySelector('[aria-busy=true]'), null, PATIENCE)
}

/** The page in all looks: axe finds nothing, and nothing is wider than the screen. */
async function looked(page, name) {
  for (const { width, height, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height })
    await page.emulateMedia({ colorScheme })
    const look = `${name}-${width}-${colorScheme}`
    const found = await page.evaluate(async (isDark) => {
      // What isn't of colours was found by light already.
      const rules = isDark ? { runOnly: ['color-contrast'] } : {}
      const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'], ...rules })
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`)
    }, colorScheme === 'dark')
    wrong.push(...found.map((violation) => `${look}: ${violation}`))
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(over <= 0, `${look}: ${over} px too wide`)
    if (pictures) {
      await page.evaluate(() => scrollTo(0, 0))
      await page.mouse.move(0, 0)
      await page.screenshot({ path: path.join(pictures, `${look}.png`) })
    }
  }
  await page.setViewportSize({ width: LOOKS[0].width, height: LOOKS[0].height })
  await page.emulateMedia({ colorScheme: 'light' })
}

async function signsIn(page) {
  await page.goto(`${base}/console`)
  await see(page, 'h1:text-is("Sign in")')
  await page.evaluate(axe)
  await looked(page, 'sign-in')
  await page.keyboard.type('this is no key of the service, whatever it looks like')
  await page.keyboard.press('Enter')
  await see(page, '[role=alert]:has-text("know this key")')
  await page.fill('input[name=key]', key)
  await page.keyboard.press('Enter')
  await see(page, 'h1:text-is("Documents")')
  await see(page, '.badge:text-is("live")')
}

async function uploads(page) {
  await looked(page, 'no-documents')
  await drop(page, [
    ['annual-report-2026.pdf', 'application/pdf', PDF],
    ['floor-plan.png', 'image/png', PNG],
    ['meeting-notes.txt', 'text/plain', 'what was said\n<script>document.title = "run"</script>\n'],
    ['press-release.html', 'text/html', '<!doctype html><title>x</title><script>parent.document.title = "run"</script><p>A page.'],
    ['measurements.csv', 'text/csv', 'day,level\n2026-11-29,4.1\n2026-11-30,4.3\n'],
  ])
  for (const name of ['annual-report-2026.pdf', 'floor-plan.png', 'meeting-notes.txt', 'press-release.html', 'measurements.csv']) {
    await arrives(page, name)
  }
  await looked(page, 'documents')
  await drop(page, [[HOSTILE, 'text/plain', 'its name is markup']])
  await arrives(page, HOSTILE)
  await click(page, named('Clear'))
}

/** Events make the rows; nobody reloads. */
async function arrives(page, name) {
  await see(page, `tr:has-text("${name}") .badge:text-is("active")`)
  await see(page, `.uploads li.ended:has-text("${name}")`)
  const isAbove = await page.evaluate(() => {
    const [panel, main] = ['.uploads', '#main'].map((part) => document.querySelector(part).getBoundingClientRect())
    return panel.bottom <= main.top
  })
  expect(isAbove, 'what became of uploads is not above the list')
}

async function archivesAndUndoes(page) {
  await page.check('[aria-label="Select all on this page"]')
  await see(page, 'strong:text-is("6 selected")')
  await click(page, `.bulk ${named('Archive')}`)
  await see(page, 'dialog :text("Nothing was changed yet: 6 would succeed")')
  await looked(page, 'dry-run')
  await click(page, `dialog ${named('Archive 6')}`)
  await see(page, 'dialog :text("6 succeeded")')
  await see(page, 'tr:has-text("meeting-notes.txt") .badge:text-is("archived"), .empty')
  await click(page, `dialog ${named('Undo')}`)
  await see(page, `dialog:not(:has(${named('Undo')})) :text("6 succeeded")`)
  await click(page, `dialog ${named('Close')}`)
  await see(page, 'tr:has-text("meeting-notes.txt") .badge:text-is("active")')
}

async function readsOne(page) {
  await click(page, 'a:text-is("meeting-notes.txt")')
  await see(page, 'pre:has-text("what was said")')
  await page.fill('textarea[name=metadata]', '{"project": "north"}')
  await click(page, named('Save'))
  // What is saved is written anew, a member a line.
  await page.waitForFunction(() => document.querySelector('textarea[name=metadata]')?.value.includes('\n  "project"'), null, PATIENCE)
  await page.setInputFiles('[aria-label="New version"]', { name: 'meeting-notes.txt', mimeType: 'text/plain', buffer: Buffer.from('what was meant\n') })
  await see(page, 'pre:has-text("what was meant")')
  await click(page, '[aria-label="Restore version 1"]')
  await see(page, 'td:has-text("3") >> nth=0')
  await see(page, 'pre:has-text("what was said")')
  await looked(page, 'document')
  await go(page, '#/documents')
  await click(page, 'a:text-is("press-release.html")')
  await see(page, 'pre:has-text("parent.document.title")')
  await go(page, '#/documents')
  await click(page, 'a:text-is("floor-plan.png")')
  await page.waitForFunction(() => document.querySelector('.preview img')?.naturalWidth > 0, null, PATIENCE)
  await looked(page, 'image')
  await go(page, '#/documents')
  await click(page, 'a:text-is("annual-report-2026.pdf")')
  await see(page, '.preview iframe')
  if (pictures) {
    await page.screenshot({ path: path.join(pictures, 'pdf.png') })
  }
  expect(!(await page.title()).includes('run'), 'a document ran its script')
}

async function account(page) {
  await go(page, '#/operations')
  await see(page, 'td a:text-is("archive")')
  await looked(page, 'operations')
  await click(page, 'td a:text-is("archive")')
  await see(page, 'h2:text-is("Items")')
  await see(page, 'td a:text-is("meeting-notes.txt")')
  await looked(page, 'operation')
  await go(page, '#/events')
  await click(page, named('Read from the oldest kept'))
  await see(page, 'td:text-is("document.activated")')
  await looked(page, 'events')
  await go(page, '#/webhooks')
  await looked(page, 'webhooks')
  await go(page, '#/tickets')
  await click(page, named('Make a ticket'))
  await see(page, 'dialog input.secret')
  await looked(page, 'ticket-made')
  await page.keyboard.press('Escape')
  await see(page, 'td .badge:text-is("open")')
  await looked(page, 'tickets')
  await go(page, '#/usage')
  await looked(page, 'usage')
  await go(page, '#/keys')
  await see(page, 'td code')
  await looked(page, 'keys')
  await click(page, named('Make a key'))
  await see(page, 'dialog input.secret')
  await page.keyboard.press('Escape')
  await see(page, 'td:text-is("documents:read")')
  await page.uncheck('input[name=scopes][value="documents:read"]')
  await click(page, named('Make a key'))
  await see(page, '[role=alert]:has-text("Choose what")')
}

async function administers(page) {
  await go(page, '#/users')
  await see(page, 'td a')
  await looked(page, 'users')
  await page.fill('input[name=name]', 'somebody')
  await click(page, named('Add'))
  await see(page, 'h1:text-is("somebody")')
  await looked(page, 'user')
  await go(page, '#/activity')
  await see(page, '.card:has-text("Uploads a minute") svg')
  await looked(page, 'activity')
  await go(page, '#/queues')
  await click(page, '[aria-label="Pause ingest"]')
  await see(page, 'tr:has-text("ingest") .badge:text-is("paused")')
  await see(page, 'tr:has-text("sweep_store") time')
  await looked(page, 'queues')
  await go(page, '#/documents')
  await drop(page, [['later.txt', 'text/plain', 'later']])
  await see(page, 'tr:has-text("later.txt") .badge:text-is("pending")')
  await go(page, '#/queues')
  await click(page, '[aria-label="Resume ingest"]')
  await see(page, 'tr:has-text("ingest") .badge:text-is("running")')
  await go(page, '#/documents')
  await see(page, 'tr:has-text("later.txt") .badge:text-is("active")')
  for (const [name, sign] of [['jobs', '.empty'], ['workers', 'td code'], ['storage', 'td code'], ['log', 'td:text-is("queue.paused")']]) {
    await go(page, `#/${name}`)
    await see(page, sign)
    await looked(page, name)
  }
  await go(page, '#/storage')
  await see(page, 'code:text-is("DOSSIER_MORE_STORAGE_URLS")')
  const offered = await page.evaluate(() => document.querySelectorAll('select[name=from] option').length)
  expect(offered === 2, `${offered} places to move from`)
  await go(page, '#/log')
  const narrow = await page.evaluate(() => [...document.querySelectorAll('.log th')].map((head) => head.clientWidth).filter((width) => width < 100))
  expect(narrow.length === 0, `columns of the security log are ${narrow} px wide`)
}

/** The menu of narrow screens, by keyboard; and out. */
async function leaves(page) {
  await page.setViewportSize({ width: 360, height: 740 })
  await see(page, '.live[title=live]')
  await page.focus('.menu')
  await page.keyboard.press('Enter')
  await see(page, 'nav.open a:text-is("Usage")')
  await looked(page, 'menu')
  await page.setViewportSize({ width: 360, height: 740 })
  await page.focus('nav a:text-is("Usage")')
  await page.keyboard.press('Enter')
  await see(page, 'h1:text-is("Usage")')
  await click(page, named('Sign out'))
  await see(page, 'h1:text-is("Sign in")')
  const left = await page.evaluate(() => sessionStorage.getItem('dossier.key'))
  expect(left === null, 'the key is still there')
}

/** Listens to what a page may not do. */
function watch(page) {
  page.on('console', (said) => expect(said.type() !== 'error' || /status of (401|404)/.test(said.text()), `the browser says: ${said.text()}`))
  page.on('dialog', (dialog) => {
    wrong.push(`a name ran: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    const isHere = request.url().startsWith(base) || /^(blob|data|chrome|chrome-extension):/.test(request.url())
    expect(isHere, `it asks elsewhere: ${request.url()}`)
  })
}

run(async (page) => {
  watch(page)
  try {
    for (const step of [signsIn, uploads, archivesAndUndoes, readsOne, account, administers, leaves]) {
      await step(page)
    }
  } catch (error) {
    if (pictures) {
      await page.screenshot({ path: path.join(pictures, 'failed.png') })
    }
    throw error
  }
})
