import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { childEnvironment, type Environment } from '../../src/client/run/environment.ts'

const given: Parameters<typeof childEnvironment>[1] = {
  url: 'https://mayfly.example',
  identity: 'header.claims.signature',
  task: { id: 'task_1', token: 'mft_1' },
  git: { hosts: ['https://github.com'], helper: '!helper' },
  gh: undefined,
}
const child = (parent: Environment, more: Partial<typeof given> = {}) =>
  childEnvironment(parent, { ...given, ...more })

/** What git makes of it. */
const gitConfig = (env: Environment, ...args: string[]) =>
  execFileSync('git', ['config', ...args], { env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' })

it('the task comes in place of any before it, and the rest passes', () => {
  const env = child({ HOME: '/home/a', MAYFLY_TASK: 'task_0', MAYFLY_TASK_TOKEN: 'mft_0', GH_TOKEN: 'own' })
  expect(env).toMatchObject({
    HOME: '/home/a',
    MAYFLY_URL: 'https://mayfly.example',
    MAYFLY_TASK: 'task_1',
    MAYFLY_TASK_TOKEN: 'mft_1',
    // A login that works is not shadowed by nothing.
    GH_TOKEN: 'own',
  })
})

describe('the identity of the workload is not handed down', () => {
  it.each([
    'MAYFLY_TOKEN',
    'MAYFLY_TOKEN_FILE',
    'ACTIONS_ID_TOKEN_REQUEST_URL',
    'ACTIONS_ID_TOKEN_REQUEST_TOKEN',
    'CI_JOB_JWT',
    'CI_JOB_JWT_V2',
    'CIRCLE_OIDC_TOKEN',
    'CIRCLE_OIDC_TOKEN_V2',
    'BUILDKITE_AGENT_ACCESS_TOKEN',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
  ])('%s', (name) => {
    expect(child({ [name]: 'x' })).not.toHaveProperty(name)
  })

  it('under whatever name the job has given it', () => {
    const env = child({ ID_TOKEN: `${given.identity}\n`, OTHER: 'other' })
    expect(env).not.toHaveProperty('ID_TOKEN')
    expect(env).toHaveProperty('OTHER')
  })
})

describe('git', () => {
  it('is given exactly one helper for the host, by path, and keeps the others for other hosts', () => {
    const env = child({
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'credential.helper',
      GIT_CONFIG_VALUE_0: 'store',
    })
    const at = (host: string) => gitConfig(env, '--get-urlmatch', 'credential', host).trim().split('\n')
    expect(env['GIT_CONFIG_COUNT']).toBe('5')
    expect(at('https://github.com/acme/web')).toEqual([
      'credential.helper !helper',
      'credential.usehttppath true',
    ])
    expect(at('https://gitlab.com/acme/web')).toEqual(['credential.helper store'])
    const all = gitConfig(env, '--get-all', 'credential.https://github.com.helper')
    expect(all).toBe('\n!helper\n')
  })

  it('is set up for each host', () => {
    const env = child({}, { git: { hosts: ['https://github.com', 'https://ghe.acme.dev'], helper: '!h' } })
    for (const host of ['https://github.com', 'https://ghe.acme.dev'])
      expect(gitConfig(env, '--get-urlmatch', 'credential.helper', `${host}/a/b`)).toBe('!h\n')
  })

  it.each(['x', '-1', '1 '])('a GIT_CONFIG_COUNT of %j is refused, as git does', (count) => {
    expect(() => child({ GIT_CONFIG_COUNT: count })).toThrow('GIT_CONFIG_COUNT')
  })
})

describe('gh', () => {
  it('is given its token for the host that it is for, and for no other', () => {
    const given = (host: string) =>
      Object.fromEntries(
        Object.entries(child({}, { gh: { token: 'ghs_1', host } })).filter(([name]) =>
          name.startsWith('GH_'),
        ),
      )
    expect(given('github.com')).toEqual({ GH_TOKEN: 'ghs_1' })
    expect(given('acme.ghe.com')).toEqual({ GH_TOKEN: 'ghs_1', GH_HOST: 'acme.ghe.com' })
    // In GH_TOKEN it would be offered to github.com.
    expect(given('ghe.acme.dev')).toEqual({ GH_ENTERPRISE_TOKEN: 'ghs_1', GH_HOST: 'ghe.acme.dev' })
  })

  it('is given nothing where nothing was minted', () => {
    expect(Object.keys(child({})).filter((name) => name.startsWith('GH_'))).toEqual([])
  })
})
