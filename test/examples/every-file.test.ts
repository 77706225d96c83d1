/** Each file under examples/, action/ and deploy/ is run or checked by a test, and can be read by what it is for. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const files = ['examples', 'action', 'deploy'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length)),
)

/** The test that fails where the file does not do what it is for. */
const heldBy: [files: RegExp, test: string][] = [
  [/^action\/scope\.mjs$/, 'test/action/scope.test.ts'],
  [/^action\//, 'test/action/action.test.ts'],
  [/^deploy\/(grafana|prometheus)\//, 'test/deploy/metrics.test.ts'],
  [/^deploy\//, 'test/deploy/files.test.ts'],
  [/^examples\/(bitbucket|buildkite|circleci|gitlab|jenkins|kubernetes)\//, 'test/examples/ci.test.ts'],
  [/^examples\/github-actions\/(release|workflow)\.yml$/, 'test/examples/ci.test.ts'],
  [/^examples\/github-actions\/job\.sh$/, 'test/oauth/actions.test.ts'],
  [/^examples\/(codex|gemini|copilot)\//, 'test/examples/assistants.test.ts'],
  [/^examples\/openhands\/\.openhands\/mcp\.json$/, 'test/examples/assistants.test.ts'],
  [/^examples\/openhands\/\.openhands\/hooks/, 'test/examples/openhands.test.ts'],
  [/^examples\/claude-code\/hooks\/(beat|assistant)\.mjs$/, 'test/examples/claude-code-beat.test.ts'],
  [/^examples\/claude-code\/(hooks\/mcp\.mjs|\.mcp\.json)$/, 'test/examples/claude-code-mcp.test.ts'],
  [/^examples\/claude-code\/hooks\//, 'test/examples/claude-code.test.ts'],
  [/^examples\/claude-code\/\.claude-plugin\/plugin\.json$/, 'test/examples/every-file.test.ts'],
  [/^examples\/[\w-]+\/README\.md$/, 'test/examples/every-file.test.ts'],
]

test.each(files)('%s is held by a test', (file) => {
  const [, held] = heldBy.find(([pattern]) => pattern.test(file)) ?? []
  expect(held).toBeDefined()
  expect(existsSync(join(root, held!))).toBe(true)
})

test('none of these tests holds what is not there', () => {
  expect(files.length).toBeGreaterThan(40)
  for (const [pattern] of heldBy)
    expect(
      files.some((file) => pattern.test(file)),
      String(pattern),
    ).toBe(true)
})

test.each(files.filter((file) => /\.(ya?ml|json|sh|mjs)$/.test(file)))('%s can be read', (file) => {
  if (file.endsWith('.json')) JSON.parse(read(file))
  else if (file.endsWith('.sh')) execFileSync('bash', ['-n', join(root, file)])
  else if (file.endsWith('.mjs')) execFileSync(process.execPath, ['--check', join(root, file)])
  else
    for (const document of parseAllDocuments(read(file)))
      expect('errors' in document && document.errors).toEqual([])
})

test.each(files.filter((file) => file.endsWith('.md')))('what %s names is there', (file) => {
  const links = [...read(file).matchAll(/\]\(([^)#:]+)(?:#[\w-]+)?\)/g)].map(([, to = '']) =>
    join(dirname(file), to),
  )
  const paths = [...read(file).matchAll(/\bexamples\/[\w./-]*\w/g)].map(([path]) => path)
  expect([...links, ...paths].filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('the plugin is called what Claude Code takes for a name, and registers only events that it knows', () => {
  const { name, version } = JSON.parse(read('examples/claude-code/.claude-plugin/plugin.json'))
  expect({ name, version }).toEqual({
    name: expect.stringMatching(/^[a-z][a-z0-9-]*$/),
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
  })
  const { hooks } = JSON.parse(read('examples/claude-code/hooks/hooks.json'))
  const known =
    'SessionStart UserPromptSubmit PreToolUse PermissionRequest PostToolUse PostToolUseFailure ConfigChange SessionEnd'
  for (const event of Object.keys(hooks)) expect(known.split(' ')).toContain(event)
  const described = [...read('examples/claude-code/README.md').matchAll(/`(\w+)`(?=[^|\n]*\|)/g)].map(
    ([, it]) => it,
  )
  for (const event of Object.keys(hooks)) expect(described).toContain(event)
})
