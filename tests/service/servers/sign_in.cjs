// Signs in to the console with a provider in a real browser, as people do, and out again.

const { PATIENCE, base, click, expect, run, see } = require('../../src/browser.cjs')

run(async (page) => {
  page.on('console', (message) => expect(!/Content Security Policy/.test(message.text()), message.text()))
  await page.goto(`${base}/console`)
  await click(page, 'a:has-text("Sign in with 127.0.0.1")')
  await page.locator('input[name=login]').fill('alice', PATIENCE)
  await page.locator('input[name=password]').fill('any', PATIENCE)
  await click(page, 'button[type=submit]')
  await click(page, 'button:has-text("Continue")')
  await see(page, 'h1:text-is("Documents")')
  await see(page, '.who:text-is("alice")')
  expect(page.url().startsWith(`${base}/console`) && !page.url().includes('dossier_'), page.url())
  const key = await page.evaluate(() => sessionStorage.getItem('dossier.key'))
  expect(key?.startsWith('dossier_'), 'the console has no key')
  const cookies = await page.context().cookies(base)
  expect(!cookies.some(({ name }) => name.includes('dossier')), JSON.stringify(cookies))

  // A reload stays signed in; going back leads to no page with the key.
  await page.reload()
  await see(page, 'h1:text-is("Documents")')

  await click(page, 'button:text-is("Sign out")')
  await see(page, 'h1:text-is("Sign in")')
  const left = await page.evaluate(() => Object.keys(sessionStorage).filter((name) => name.includes('key')))
  expect(left.length === 0, left.join())
  const answer = await page.request.get(`${base}/v1/me`, { headers: { Authorization: `Bearer ${key}` } })
  expect(answer.status() === 401, `the key is still good: ${answer.status()}`)

  // What fails is told in words.
  await page.goto(`${base}/oidc/callback?code=forged&state=forged`)
  await see(page, '[role=alert]:has-text("not begun in this browser")')
})
