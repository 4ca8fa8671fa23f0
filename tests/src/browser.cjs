// What scripts that drive a browser share: the browser, waits, and how they end. Their arguments are where
// the service is, the browser, and words of their own.

const { chromium } = require('playwright-core')

const [base, executablePath, ...words] = process.argv.slice(2)
const PATIENCE = { timeout: 60_000 }
const ARGUMENTS = [
  // Nothing leads elsewhere.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What went wrong. */
const wrong = []

/** Waits for what must be seen; the selector is the message. */
const see = (page, selector) => page.locator(selector).first().waitFor(PATIENCE)
const click = (page, selector) => page.locator(selector).first().click(PATIENCE)

function expect(holds, told) {
  if (!holds) {
    wrong.push(told)
  }
}

async function open(drive) {
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    page.on('pageerror', (error) => wrong.push(`an error of the page: ${error}`))
    try {
      await drive(page)
    } catch (error) {
      wrong.push(`${error}`, `the page: ${(await page.innerText('body').catch(() => '')).slice(0, 2000)}`)
    }
  } finally {
    await browser.close()
  }
}

/** Has `drive` drive a page, prints what went wrong, and exits. */
function run(drive) {
  open(drive)
    .catch((error) => wrong.push(`${error}`))
    .then(() => {
      console.log(wrong.join('\n'))
      process.exit(wrong.length > 0 ? 1 : 0)
    })
}

module.exports = { PATIENCE, base, click, expect, run, see, words, wrong }
