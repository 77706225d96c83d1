/** The calls that the action makes of a broker. */
import { persist } from './runner.mjs'

/** An answer that is a refusal: its `code`, and what it says. */
export class Refused extends Error {
  constructor(status, { code = `status ${status}`, detail = 'no reason was given', denials = [] } = {}) {
    const why = denials.map(
      ({ action, resource, policies }) =>
        `${action} on ${resource}: ${policies.length > 0 ? `forbidden by ${policies.join(', ')}` : 'no policy permits it'}`,
    )
    super([`${code}: ${detail}`, ...why].join('; '))
    this.status = status
  }
}

export async function call(url, path, { token, method = 'POST', body, key, forMs, timeoutMs = 60_000 }) {
  const answer = await persist(
    () =>
      fetch(`${url.replace(/\/+$/, '')}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(key !== undefined && { 'Idempotency-Key': key }),
        },
        ...(body !== undefined && { body }),
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      }),
    forMs,
  )
  const parsed = await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Refused(answer.status, parsed)
  return parsed
}

/** The lines of `scope`, each as the command line writes it or as JSON. */
export function detailsOf(scope) {
  const written = scope.trim()
  if (written.startsWith('[')) return JSON.parse(written)
  const lines = written.split('\n').map((line) => line.trim())
  const details = lines.filter((line) => line !== '').map(detailOf)
  if (details.length === 0) throw new Error('scope is empty')
  return details
}

function detailOf(line) {
  if (line.startsWith('{')) return JSON.parse(line)
  const [, type, rest = ''] = /^(\w+):(.+)$/.exec(line) ?? []
  if (type === 'aws') return { type, role_arn: rest }
  if (type === 'vault')
    return rest.startsWith('policies=') ? { type, policies: rest.slice(9).split(',') } : { type, path: rest }
  if (type === 'github') return github(line, rest)
  throw new Error(`${line}: a scope begins with github:, aws: or vault:, or is JSON`)
}

function github(line, rest) {
  const [repositories, asked = '', ...more] = rest.split(':')
  const pairs = asked.split(',').map((pair) => pair.split('='))
  const names = new Set(pairs.map(([name]) => name))
  if (more.length > 0 || names.size < pairs.length || pairs.some((pair) => pair.length !== 2 || !pair[0]))
    throw new Error(`${line}: a github scope is github:OWNER/REPO:PERMISSION=LEVEL[,PERMISSION=LEVEL]`)
  return { type: 'github', repositories: repositories.split('+'), permissions: Object.fromEntries(pairs) }
}

/** Every text of a credential is secret, but for what only says where it is good. */
export function secretsOf(credential) {
  const open = new Set(['region', 'address', 'host'])
  return Object.entries(credential).flatMap(([name, value]) => {
    if (typeof value === 'string') return open.has(name) ? [] : [value]
    return typeof value === 'object' && value !== null ? secretsOf(value) : []
  })
}
