// A real OpenID provider for the tests. Arguments: the folder of its packages, its port, and where it leads
// browsers back to. Whoever signs in by any name and password is that account. Beside what every provider
// has, `/test/account` says what is claimed of an account, and `/test/sign` signs any claims with the
// provider's key, of which `iat` and `exp` are seconds from now.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, port, redirectUri] = process.argv.slice(2)
const { resolve } = createRequire(`${modules}/`)
const load = (name) => import(pathToFileURL(resolve(name)))
const { default: Provider } = await load('oidc-provider')
const { SignJWT, exportJWK, generateKeyPair } = await load('jose')

const issuer = `http://127.0.0.1:${port}`
const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const jwk = { ...(await exportJWK(privateKey)), kid: 'tests', use: 'sig', alg: 'RS256' }
const accounts = new Map()

const provider = new Provider(issuer, {
  jwks: { keys: [jwk] },
  cookies: { keys: ['of the tests'] },
  clients: [
    {
      client_id: 'dossier',
      client_secret: 'a secret of the tests/with+signs',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    {
      client_id: 'dsr',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      response_types: [],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
  // As most providers do, it says of whom a token speaks in the token itself.
  conformIdTokenClaims: false,
  features: { devInteractions: { enabled: true }, deviceFlow: { enabled: true } },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ preferred_username: id, groups: [], ...accounts.get(id), sub: id }),
  }),
})

const body = async (request) => {
  const pieces = []
  for await (const piece of request) {
    pieces.push(piece)
  }
  return JSON.parse(Buffer.concat(pieces).toString())
}

provider.use(async (context, next) => {
  if (context.path === '/test/account') {
    const { id, ...claims } = await body(context.req)
    accounts.set(id, claims)
    context.body = 'kept'
  } else if (context.path === '/test/sign') {
    const header = { alg: 'RS256', kid: 'tests' }
    const { iat = 0, exp = 300, ...claims } = await body(context.req)
    const now = Math.floor(Date.now() / 1000)
    const token = new SignJWT({ ...claims, iat: now + iat, exp: now + exp })
    context.body = await token.setProtectedHeader(header).sign(privateKey)
  } else {
    await next()
  }
})

provider.listen(Number(port), '127.0.0.1')
