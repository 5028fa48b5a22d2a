// An OAuth client as others build it: reads what it is from the first line of its input, prints where the
// browser has to go, reads where the browser came back to, and then does everything that the server knows.
// Prints one JSON object for each step. SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline'
import { webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto // Debian 12's Node has none
const library = process.argv[2] // oauth4webapi or openid-client, from the folder of argv[3]
const { createRequire } = await import('node:module')
const path = createRequire(`${process.argv[3]}/`).resolve(library)
const lib = await import(path)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const read = async () => (await lines.next()).value
const say = (object) => console.log(JSON.stringify(object))
const about = JSON.parse(await read())
const data = new URL(about.data, about.issuer)
const same = (a, b, what) => { if (a !== b) throw new Error(`${what}: ${a} is not ${b}`) }

// RFC 6749 4.1, 4.4 and 6, 7009, 7636, 7662, 8414 and 9207 by the small library: all of it is checked there.
async function small () {
  const issuer = new URL(about.issuer)
  const as = await lib.processDiscoveryResponse(
    issuer, await lib.discoveryRequest(issuer, { algorithm: 'oauth2' }))
  const client = { client_id: about.id }
  const auth = about.basic ? lib.ClientSecretBasic(about.secret) : lib.ClientSecretPost(about.secret)
  const verifier = lib.generateRandomCodeVerifier()
  const state = lib.generateRandomState()
  const url = new URL(as.authorization_endpoint)
  const asked = { client_id: about.id, redirect_uri: about.back, response_type: 'code', state,
    code_challenge: await lib.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  say({ url: url.href })
  const back = lib.validateAuthResponse(as, client, new URL(await read()), state)
  const first = await lib.processAuthorizationCodeResponse(as, client,
    await lib.authorizationCodeGrantRequest(as, client, auth, back, about.back, verifier))
  const read1 = await lib.protectedResourceRequest(first.access_token, 'GET', data)
  same(read1.status, 200, 'data')
  const second = await lib.processRefreshTokenResponse(as, client,
    await lib.refreshTokenGrantRequest(as, client, auth, first.refresh_token))
  const look = async (token) => lib.processIntrospectionResponse(as, client,
    await lib.introspectionRequest(as, client, auth, token))
  same((await look(second.access_token)).active, true, 'active')
  await lib.processRevocationResponse(
    await lib.revocationRequest(as, client, auth, second.refresh_token))
  same((await look(second.access_token)).active, false, 'active after its end')
  const own = await lib.processClientCredentialsResponse(as, client,
    await lib.clientCredentialsGrantRequest(as, client, auth, {}))
  say({ first: first.token_type, second: second.token_type, own: own.token_type })
}

// The same with a key (RFC 9449), nonces included, by the large one.
async function large () {
  const config = await lib.discovery(new URL(about.issuer), about.id, about.secret,
    about.basic ? lib.ClientSecretBasic(about.secret) : lib.ClientSecretPost(about.secret),
    { algorithm: 'oauth2' })
  const DPoP = lib.getDPoPHandle(config, await lib.randomDPoPKeyPair(about.algorithm))
  const verifier = lib.randomPKCECodeVerifier()
  const state = lib.randomState()
  say({ url: lib.buildAuthorizationUrl(config, { redirect_uri: about.back, state,
    code_challenge: await lib.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }).href })
  const first = await lib.authorizationCodeGrant(config, new URL(await read()),
    { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP })
  const read1 = await lib.fetchProtectedResource(config, first.access_token, data, 'GET', undefined,
    undefined, { DPoP })
  same(read1.status, 200, 'data')
  const second = await lib.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })
  const look = await lib.tokenIntrospection(config, second.access_token)
  same(look.active, true, 'active')
  same(look.cnf.jkt, await DPoP.calculateThumbprint(), 'cnf')
  const own = await lib.clientCredentialsGrant(config, undefined, { DPoP })
  await lib.tokenRevocation(config, second.refresh_token)
  same((await lib.tokenIntrospection(config, second.access_token)).active, false, 'active after its end')
  say({ first: first.token_type, second: second.token_type, own: own.token_type })
}

await (library === 'oauth4webapi' ? small() : large())
process.exit(0)
