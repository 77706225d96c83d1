/** What GitHub's runner gives an action, and takes from it: the workflow commands and the files behind them. */
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'

export function input(name) {
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim()
}

/** For this action's post, as STATE_name. */
export function saveState(name, value) {
  append('GITHUB_STATE', name, value)
}

export function state(name) {
  return process.env[`STATE_${name}`] ?? ''
}

export function setOutput(name, value) {
  append('GITHUB_OUTPUT', name, value)
}

/** Written at once: whatever kills the process later finds it on disk. */
function append(file, name, value) {
  const end = `mayfly_${randomUUID()}`
  appendFileSync(process.env[file], `${name}<<${end}\n${value}\n${end}\n`)
}

/** The runner looks for a mask line by line, so each line of a secret is one. */
export function mask(secret) {
  for (const line of secret.split(/\r?\n/)) if (line.trim() !== '') say('add-mask', line)
}

export function say(command, text) {
  const escaped = String(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  process.stdout.write(`::${command}::${escaped}\n`)
}

/** On the job's page. What others wrote can be no Markdown there. */
export function summarize(lines) {
  const { GITHUB_STEP_SUMMARY: file } = process.env
  if (file) appendFileSync(file, `${lines.join('\n')}\n`)
}

export function plain(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
  return String(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[&<>]/g, (character) => entities[character])
    .replaceAll(/[\\`*_{}[\]()#+!|~]/g, String.raw`\$&`)
}

export function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}

/** The identity of this job, for `audience`. */
export async function identityToken(audience) {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: token } = process.env
  if (!url || !token) throw new Error('the job has no identity: give it `permissions: { id-token: write }`')
  const address = new URL(url)
  address.searchParams.set('audience', audience)
  const answer = await persist(() =>
    fetch(address, {
      headers: { Authorization: `bearer ${token}`, Accept: 'application/json' },
      signal: AbortSignal.timeout(10_000),
    }),
  )
  const { value } = await answer.json().catch(() => ({}))
  if (!answer.ok || typeof value !== 'string')
    throw new Error(`the runner gave no identity token: it answered ${answer.status}`)
  mask(value)
  return value
}

const passing = new Set([429, 500, 502, 503, 504])

/**
 * Calls until there is an answer that will not change by waiting, for half a minute at most. The first call
 * that hung has the time begin anew: otherwise it alone could use it up.
 */
export async function persist(call, forMs = 30_000) {
  let until = Date.now() + forMs
  let anew = true
  for (let ms = 500; ; ms = Math.min(ms * 2, 5000)) {
    const answer = await call().catch((error) => error)
    const isAnswer = answer instanceof Response
    if (isAnswer && !passing.has(answer.status)) return answer
    if (anew && answer.name === 'TimeoutError') {
      until = Date.now() + forMs
      anew = false
    }
    const asked = isAnswer ? Number(answer.headers.get('Retry-After')) * 1000 : 0
    const pause = Math.max(ms, Number.isFinite(asked) ? asked : 0)
    if (Date.now() + pause > until) {
      if (isAnswer) return answer
      throw new Error(
        `there is no answer: ${answer.cause?.code ?? answer.message}. Check the url, and that the server there is running`,
      )
    }
    await new Promise((resume) => setTimeout(resume, pause))
  }
}
