/** What a CI job sends: forms, with nothing but its OIDC token. */
import { readWeb, type Answer, type TestBroker } from './broker.ts'

export const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

type Parameters = Record<string, string | undefined>

/** Posts a form; `parameters` as they go on the wire, or by name, those that are undefined left out. */
export function post(
  broker: TestBroker,
  path: string,
  parameters: Parameters | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const given = typeof parameters === 'string' ? [] : Object.entries(parameters)
  const written = given.filter((entry): entry is [string, string] => entry[1] !== undefined)
  return broker.call('POST', path, {
    body: typeof parameters === 'string' ? parameters : new URLSearchParams(written).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
  })
}

/** A complete exchange for reading acme/web with a fresh token, but for what is overridden. */
export async function form(broker: TestBroker, changed: Parameters = {}): Promise<Parameters> {
  return {
    grant_type: grantType,
    subject_token: 'subject_token' in changed ? changed['subject_token'] : await broker.workload(),
    subject_token_type: jwtType,
    authorization_details: JSON.stringify([readWeb]),
    ...changed,
  }
}

export async function exchange(
  broker: TestBroker,
  changed?: Parameters,
  headers?: Record<string, string>,
): Promise<Answer> {
  return await post(broker, '/oauth/token', await form(broker, changed), headers)
}

export function revoke(broker: TestBroker, token: string, more: Parameters = {}): Promise<Answer> {
  return post(broker, '/oauth/revoke', { token, ...more })
}
