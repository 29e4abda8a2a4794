// The authorization server's scenarios of the conformance suite. It asks a person to open an address and to
// let its client in; this is that person: it signs in with a key, reads the page that asks, and allows it.
//
// node authorization.mjs GATE KEY VERSION OUTPUT

import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const [gate, key, version, output] = process.argv.slice(2)
const suite = fileURLToPath(
  new URL('node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
)

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const register = async (redirect) => {
  const answer = await fetch(`${gate}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'conformance', redirect_uris: [redirect] }),
  })
  if (answer.status !== 201) throw new Error(`the registration was answered with ${answer.status}`)
  return (await answer.json()).client_id
}

const submit = (path, fields, cookie) =>
  fetch(`${gate}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: gate, ...(cookie && { cookie }) },
    body: new URLSearchParams(fields),
  })

const attribute = (text) =>
  text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

const field = (page, name) => {
  const found = page.match(new RegExp(`name="${name}" value="([^"]*)"`))
  if (!found) throw new Error(`the page that asks has no ${name}: ${page}`)
  return attribute(found[1])
}

/** Signs in, allows what is asked, and brings the answer to the client. */
const allow = async (url) => {
  const signedIn = await submit('/dashboard/sign-in', { key, next: '/oauth/authorize' })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0]
  if (!cookie) throw new Error(`the sign-in was answered with ${signedIn.status}`)
  const page = await (await fetch(url, { headers: { cookie } })).text()
  const fields = { decision: 'allow', role: 'viewer', days: '1', within: '' }
  for (const name of ['form_token', 'request']) fields[name] = field(page, name)
  const allowed = await submit('/oauth/authorize', fields, cookie)
  const there = allowed.headers.get('location')
  if (!there) throw new Error(`allowing was answered with ${allowed.status}: ${await allowed.text()}`)
  await fetch(there)
}

const port = await freePort()
const client = await register(`http://127.0.0.1:${port}/callback`)
const judge = spawn(
  process.execPath,
  [suite, 'authorization', '--url', gate, '--client-id', client, '--resource', `${gate}/mcp`]
    .concat(['--port', String(port), '--spec-version', version, '--output-dir', output]),
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const limit = setTimeout(() => judge.kill(), 60_000)
let text = ''
let opened = false
judge.stdout.setEncoding('utf8')
judge.stdout.on('data', (piece) => {
  text += piece
  const url = text.match(/^(http:\/\/\S+\/oauth\/authorize\?\S+)\n/m)?.[1]
  if (!url || opened) return
  opened = true
  allow(url).catch((error) => {
    console.error(error.message)
    judge.kill()
  })
})
const code = await new Promise((resolve) => judge.on('close', resolve))
clearTimeout(limit)
console.log(text)
// What is skipped proves nothing.
const passed = code === 0 && opened && !/SKIPPED|skipped/.test(text)
process.exit(passed ? 0 : 1)
