import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import type { Environment } from '../../src/client/run/ambient.ts'
import { childEnvironment } from '../../src/client/run/environment.ts'

const given: Parameters<typeof childEnvironment>[1] = {
  url: 'https://mayfly.example',
  identity: 'header.claims.signature',
  task: { id: 'task_1', token: 'mft_1' },
  git: { hosts: ['https://github.com'], helper: '!helper' },
  owners: [],
  guards: {},
  tools: {},
  keep: [],
}
const child = (parent: Environment, more: Partial<typeof given> = {}) =>
  childEnvironment(parent, { ...given, ...more })

/** What git makes of it. */
const gitConfig = (env: Environment, ...args: string[]) =>
  execFileSync('git', ['config', ...args], { env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' })

it('the task comes in place of any before it, and the rest passes', () => {
  const env = child({ HOME: '/home/a', MAYFLY_TASK: 'task_0', MAYFLY_TASK_TOKEN: 'mft_0' })
  expect(env).toMatchObject({
    HOME: '/home/a',
    MAYFLY_URL: 'https://mayfly.example',
    MAYFLY_TASK: 'task_1',
    MAYFLY_TASK_TOKEN: 'mft_1',
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

describe('logins that would be used beside the task, or in its place, are not handed down', () => {
  it.each([
    'GITHUB_TOKEN',
    'GH_TOKEN',
    'GH_ENTERPRISE_TOKEN',
    'GITHUB_ENTERPRISE_TOKEN',
    'AWS_ACCESS_KEY_ID',
    'AWS_SESSION_TOKEN',
    'AWS_PROFILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'VAULT_TOKEN',
    'BAO_TOKEN',
    'SSH_AUTH_SOCK',
  ])('%s', (name) => {
    expect(child({ [name]: 'x' })).not.toHaveProperty(name)
  })

  it.each(['ghp', 'gho', 'ghs', 'github_pat'])('a GitHub token under any name: %s_…', (prefix) => {
    expect(child({ NPM_TOKEN: `${prefix}_${'x'.repeat(36)}` })).not.toHaveProperty('NPM_TOKEN')
  })

  it('but for those that are named, which are as they are outside, set or not', () => {
    const env = child(
      { SSH_AUTH_SOCK: '/agent', GH_TOKEN: 'own' },
      {
        keep: ['SSH_AUTH_SOCK', 'GH_TOKEN', 'AWS_CONFIG_FILE'],
        tools: { GH_TOKEN: 'ghs_1' },
        guards: { AWS_CONFIG_FILE: '/dev/null' },
      },
    )
    expect(env).toMatchObject({ SSH_AUTH_SOCK: '/agent', GH_TOKEN: 'own' })
    expect(env['AWS_CONFIG_FILE']).toBeUndefined()
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

  it.each([
    'git@github.com:acme/web.git',
    'ssh://git@github.com/acme/web.git',
    'https://github.com/acme/web.git',
  ])('has https for %s, whatever the user has for the whole host', (address) => {
    const env = child(
      {
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'url.git@github.com:.insteadOf',
        GIT_CONFIG_VALUE_0: 'https://github.com/',
      },
      { owners: ['acme'] },
    )
    const { PATH } = process.env
    const url = execFileSync('git', ['ls-remote', '--get-url', address], { env: { PATH, ...env } })
    expect(url.toString()).toBe('https://github.com/acme/web.git\n')
  })

  it.each(['x', '-1', '1 '])('a GIT_CONFIG_COUNT of %j is refused, as git does', (count) => {
    expect(() => child({ GIT_CONFIG_COUNT: count })).toThrow('GIT_CONFIG_COUNT')
  })
})
