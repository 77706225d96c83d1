/** The endpoints in which an installation token is used, and the one with which it gives itself back. */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { sameName, type Accounts, type Repository } from './accounts.ts'
import { readBody } from './body.ts'
import { reaches } from './grant.ts'
import { refusal } from './refusal.ts'
import type { Presented, Tokens } from './tokens.ts'

interface Issue {
  number: number
  title: string
  body: string | null
  state: 'open'
}

const fileRequest = z.object({ message: z.string(), content: z.base64(), sha: z.string().optional() })
const issueRequest = z.object({ title: z.string().min(1), body: z.string().nullable().default(null) })
const page = z.object({
  per_page: z.coerce.number().int().min(1).max(100).catch(30),
  page: z.coerce.number().int().min(1).catch(1),
})

export function repositoryRoutes({
  accounts,
  tokens,
  clock,
  url,
}: {
  accounts: Accounts
  tokens: Tokens
  clock: Clock
  url: string
}): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const files = new Map<number, Map<string, Buffer>>()
  const issues = new Map<number, Issue[]>()
  const startedAt = new Date(clock.now()).toISOString()

  /** Both what the token names and what its installation still covers. */
  const covered = ({ installation, repositories }: Presented) =>
    accounts
      .repositories(installation)
      .filter(({ id }) => !repositories || repositories.some((repository) => repository.id === id))

  /** The repository in the path, if the token presented may do this in it. @throws a refusal */
  const admit = (c: Context, needed: Record<string, 'read' | 'write'>): Repository => {
    const token = tokens.present(c.req.header('authorization'))
    const { owner = '', repo = '' } = c.req.param() as Record<string, string>
    const repository = covered(token).find(
      (candidate) => sameName(candidate.owner, owner) && sameName(candidate.name, repo),
    )
    const allowed = Object.entries(needed).every(([name, level]) => reaches(token.permissions[name], level))
    if (repository && allowed) {
      token.entry.uses += 1
      return repository
    }
    token.entry.refusals += 1
    // "Troubleshooting the REST API": 404 rather than 403, so that a private repository is not confirmed to exist.
    throw repository ? refusal(403, 'Resource not accessible by integration') : refusal(404, 'Not Found')
  }

  const filesOf = (repository: Repository) => {
    const known = files.get(repository.id) ?? new Map([['README.md', Buffer.from(`# ${repository.name}\n`)]])
    files.set(repository.id, known)
    return known
  }
  const fileJson = (repository: Repository, path: string, content: Buffer) => ({
    type: 'file',
    name: path.split('/').at(-1),
    path,
    sha: blobSha(content),
    size: content.length,
    url: `${url}/repos/${repository.owner}/${repository.name}/contents/${path}`,
  })

  app.get('/installation/repositories', (c) => {
    const token = tokens.present(c.req.header('authorization'))
    const { per_page: size, page: number } = page.parse(c.req.query())
    const all = covered(token)
    return c.json({
      total_count: all.length,
      repository_selection: token.repositories ? 'selected' : 'all',
      repositories: all.slice((number - 1) * size, number * size).map(accounts.repositoryJson),
    })
  })

  app.delete('/installation/token', (c) => {
    tokens.revoke(tokens.present(c.req.header('authorization')))
    return c.body(null, 204)
  })

  app.get('/repos/:owner/:repo', (c) => c.json(accounts.repositoryJson(admit(c, { metadata: 'read' }))))

  app.get('/repos/:owner/:repo/contents/:path{.+}', (c) => {
    const repository = admit(c, { contents: 'read' })
    const path = c.req.param('path')
    const content = filesOf(repository).get(path)
    if (!content) throw refusal(404, 'Not Found')
    return c.json({
      ...fileJson(repository, path, content),
      encoding: 'base64',
      content: content.toString('base64'),
    })
  })

  app.put('/repos/:owner/:repo/contents/:path{.+}', async (c) => {
    const path = c.req.param('path')
    // "Create or update file contents": files there need the `workflows` permission as well.
    const inWorkflows = path.startsWith('.github/workflows/')
    const repository = admit(c, { contents: 'write', ...(inWorkflows && { workflows: 'write' }) })
    const { message, content, sha } = await readBody(c.req, fileRequest)
    const known = filesOf(repository)
    const before = known.get(path)
    if (before && sha === undefined) throw refusal(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if (before && sha !== blobSha(before)) throw refusal(409, `${path} does not match ${sha}`)
    const after = Buffer.from(content, 'base64')
    known.set(path, after)
    return c.json({ content: fileJson(repository, path, after), commit: { message } }, before ? 200 : 201)
  })

  app.get('/repos/:owner/:repo/issues', (c) =>
    c.json((issues.get(admit(c, { issues: 'read' }).id) ?? []).toReversed()),
  )

  app.post('/repos/:owner/:repo/issues', async (c) => {
    const repository = admit(c, { issues: 'write' })
    const { title, body } = await readBody(c.req, issueRequest)
    const known = issues.get(repository.id) ?? []
    const issue = { number: known.length + 1, title, body, state: 'open' as const }
    issues.set(repository.id, [...known, issue])
    return c.json(issue, 201)
  })

  // Names only: GitHub shows the value of a secret to nobody.
  app.get('/repos/:owner/:repo/actions/secrets', (c) => {
    admit(c, { secrets: 'read' })
    return c.json({
      total_count: 1,
      secrets: [{ name: 'DEPLOY_KEY', created_at: startedAt, updated_at: startedAt }],
    })
  })
  return app
}

/** Git's name for a file's content. */
function blobSha(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex')
}
