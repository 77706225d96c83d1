import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { mayfly } from '../support/mayfly.ts'

const url = 'http://127.0.0.1:9'
const scope = ['--scope', 'github:acme/web:contents=read']

describe('wrong usage exits with 2 and says on stderr what is wrong and where help is', () => {
  it.each<[string, string[], string]>([
    ['an unknown command', ['bogus'], 'unknown command'],
    ['an unknown option', ['serve', '--prot', '1'], 'unknown option'],
    ['a purpose left out', ['task', 'open', '--url', url, ...scope], '--purpose'],
    ['a broker left out', ['token', ...scope], '--url'],
    ['a scope of an unknown provider', ['token', '--url', url, '--scope', 'gitlab:x'], 'known are'],
    [
      'a scope that is misspelt',
      ['token', '--url', url, '--scope', 'github:acme/web:content=read'],
      'contents',
    ],
    ['two scopes for one credential', ['token', '--url', url, ...scope, ...scope], 'one scope'],
    ['a ttl of 0', ['token', '--url', url, ...scope, '--ttl', '0'], 'whole seconds'],
    ['a ttl that is not a number', ['token', '--url', url, ...scope, '--ttl', '1e3'], 'whole seconds'],
    [
      'a broker that tokens would reach in clear',
      ['token', '--url', 'http://mayfly.example', ...scope],
      'https',
    ],
    ['no selector', ['admin', 'revoke', '--url', url, '--reason', 'r'], 'exactly one of'],
    [
      'two selectors',
      ['admin', 'revoke', '--url', url, '--reason', 'r', '--all', '--task', 't'],
      'exactly one of',
    ],
    ['a reason left out', ['admin', 'revoke', '--url', url, '--all'], '--reason'],
    ['a task left out', ['task', 'show', '--url', url], 'MAYFLY_TASK'],
    ['a task left out of completing', ['task', 'complete', '--url', url, '--json'], 'MAYFLY_TASK'],
    ['a head that is none', ['audit', 'verify', '--head', '12'], 'SEQ:MAC'],
    ['a directory left out', ['init'], 'dir'],
  ])('%s', async (_what, args, words) => {
    const { status, stdout, stderr } = await mayfly(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).toContain('--help')
    const inJson = await mayfly([...args.filter((word) => word !== '--json'), '--json'])
    expect(inJson).toMatchObject({ status: 2, stdout: '' })
    const { code, detail, remedy } = JSON.parse(inJson.stderr)
    expect({ code, remedy }).toEqual({ code: 'usage', remedy: expect.stringContaining('--help') })
    expect(detail).toContain(words)
  })

  it('in two lines, also where it can tell what was meant', async () => {
    const { status, stderr } = await mayfly(['tokn'])
    expect(status).toBe(2)
    expect(stderr).toMatch(/^error: unknown command 'tokn' \(Did you mean token\?\)\n.*--help.*\n$/)
  })

  it('no command at all: the help, on stderr', async () => {
    const { status, stdout, stderr } = await mayfly([])
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain('Usage: mayfly')
  })
})

it('every command takes --json', async () => {
  const leaves = (command: Command): Command[] =>
    command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
  const lacking = leaves(await createProgram())
    .filter(({ options }) => !options.some(({ long }) => long === '--json'))
    .map((command) => command.name())
  expect(lacking).toEqual([])
})

it('no line of a description is wider than a terminal of 80 columns: wrapped again, it would be ragged', async () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)]
  const wide = all(await createProgram()).flatMap((command) =>
    command
      .description()
      .split('\n')
      .filter((line) => line.length > 80)
      .map((line) => `${command.name()}: ${line}`),
  )
  expect(wide).toEqual([])
})

it('what stands behind -- is not ours: a command has a --json of its own', async () => {
  const { status, stderr } = await mayfly(['run', '--', 'ls', '--json'])
  expect(status).toBe(2)
  expect(stderr).toMatch(/^error: required option/)
})

it('the help names every command and exits with 0', async () => {
  const { status, stdout } = await mayfly(['--help'])
  expect(status).toBe(0)
  for (const command of ['demo', 'init', 'validate', 'serve', 'task', 'token', 'admin', 'audit'])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
})

it('a broker that is not there is told as that, also in JSON', async () => {
  const env = { MAYFLY_URL: url, MAYFLY_TOKEN: 'a-token-that-nobody-prints' }
  // Each calls again for fifteen seconds: a broker that restarts is not there either.
  const [told, inJson] = await Promise.all([
    mayfly(['token', ...scope], env),
    mayfly(['token', ...scope, '--json'], env),
  ])
  expect(told.status).toBe(1)
  expect(told.stderr).toMatch(
    /^mayfly: unreachable: http:\/\/127\.0\.0\.1:9 gave no usable answer.*\n {2}.*MAYFLY_URL.*\n$/,
  )
  expect(JSON.parse(inJson.stderr)).toMatchObject({ code: 'unreachable', remedy: expect.any(String) })
  expect(told.stderr + inJson.stderr).not.toContain(env.MAYFLY_TOKEN)
})
