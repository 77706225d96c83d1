/** octo-sts' clients: what they send and how they read it. */
import type { Answer, TestBroker } from './broker.ts'
import { agentFiles, subjectOf } from './agents.ts'
import type { Files } from '../../src/sandbox/configuration.ts'

const host = (broker: TestBroker) => new URL(broker.url).host

/** An agent that they can ask for. */
export function stsAgent(name: string, sts: Record<string, unknown> = {}, more: object = {}): Files {
  return agentFiles(name, {
    sts: {
      scope: 'acme/web',
      authorization_detail: {
        type: 'github',
        repositories: ['acme/web'],
        permissions: { contents: 'write' },
      },
      ...sts,
    },
    ...more,
  })
}

/** Their request, with a fresh token of the agent for the bare domain. */
export async function stsExchange(
  broker: TestBroker,
  identity: string,
  {
    claims = {},
    query,
    ...options
  }: {
    claims?: Record<string, unknown>
    query?: string
    method?: string
    body?: unknown
    token?: string
  } = {},
): Promise<Answer> {
  const token =
    options.token ?? (await broker.workload({ sub: subjectOf(identity), aud: host(broker), ...claims }))
  const wanted = query ?? `scope=acme/web&scopes=acme/web&identity=${identity}`
  return await broker.call(options.method ?? 'GET', `/sts/exchange?${wanted}`, {
    token,
    ...(options.body !== undefined && { body: options.body }),
  })
}
