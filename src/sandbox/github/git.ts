/**
 * Git over HTTP, by git's own server. Sources: "Authenticating as a GitHub App
 * installation" (the user name, the `contents` permission), git-http-backend(1);
 * "Adding or editing wiki pages" (`REPO.wiki.git`, under the repository's permissions).
 * What is pushed is seen by git, not by the endpoints of the REST API.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { sameName, type Accounts, type Repository } from './accounts.ts'
import { createBareRepositories } from './bare-repositories.ts'
import { reaches } from './grant.ts'
import type { Presented, Tokens } from './tokens.ts'

/** What each of the two services of git's smart protocol does to a repository. */
const needs: Record<string, 'read' | 'write'> = { 'git-upload-pack': 'read', 'git-receive-pack': 'write' }

interface GitRoutes {
  routes: Hono<{ Bindings: HttpBindings }>
  /** Ends what is under way, and removes every repository. */
  close(): Promise<void>
}

/** `/OWNER/REPO.git/…`, and without `.git`, as GitHub has it. */
export function gitRoutes({ accounts, tokens }: { accounts: Accounts; tokens: Tokens }): GitRoutes {
  const routes = new Hono<{ Bindings: HttpBindings }>()
  const repositories = createBareRepositories()
  const running = new Set<ChildProcessWithoutNullStreams>()

  const serve = async (c: Context<{ Bindings: HttpBindings }>, service: string): Promise<Response> => {
    const { owner = '', repo = '' } = c.req.param() as Record<string, string>
    const name = repo.replace(/\.git$/, '')
    const repository = name.replace(/\.wiki$/, '')
    const { permissions } = admit(
      { accounts, tokens },
      c.req.header('authorization'),
      owner,
      repository,
      service,
    )
    const environment = await repositories.open(owner, name).catch(() => refuse(500, noGit))
    const asksForRefs = c.req.method === 'GET'
    const child = spawn('git', ['http-backend'], {
      env: {
        ...environment,
        // A push that touches workflows needs a permission of its own: the repository's hook asks for this.
        SANDBOX_WORKFLOWS: permissions['workflows'],
        PATH_INFO: asksForRefs ? '/info/refs' : `/${service}`,
        REQUEST_METHOD: c.req.method,
        QUERY_STRING: asksForRefs ? `service=${service}` : '',
        CONTENT_TYPE: c.req.header('content-type'),
        CONTENT_LENGTH: c.req.header('content-length'),
        HTTP_CONTENT_ENCODING: c.req.header('content-encoding'),
        GIT_PROTOCOL: c.req.header('git-protocol'),
        REMOTE_USER: userName,
        REMOTE_ADDR: '127.0.0.1',
      },
    })
    running.add(child)
    child.once('close', () => running.delete(child))
    child.stderr.resume()
    // Either side may go away in the middle; the other one then sees the end of the stream.
    pipeline(c.env.incoming, child.stdin).catch(() => undefined)
    return await answerOf(child)
  }

  routes.get('/:owner/:repo/info/refs', (c) => {
    const service = c.req.query('service') ?? ''
    // GitHub's changelog, March 2011: the "dumb" protocol, which names no service, is not served.
    return Object.hasOwn(needs, service) ? serve(c, service) : refuse(403, 'Please upgrade your git client.')
  })
  for (const service of Object.keys(needs)) routes.post(`/:owner/:repo/${service}`, (c) => serve(c, service))

  return {
    routes,
    async close() {
      await Promise.all(
        [...running].map(async (child) => {
          const closed = once(child, 'close')
          child.kill('SIGKILL')
          await closed
        }),
      )
      await repositories.close()
    },
  }
}

const userName = 'x-access-token'
const noGit = "The sandbox's git gave no answer; is git installed?"

/** The token presented, if it may use this service of this repository. @throws a refusal */
function admit(
  { accounts, tokens }: { accounts: Accounts; tokens: Tokens },
  authorization: string | undefined,
  owner: string,
  name: string,
  service: string,
): Presented {
  const token = present(tokens, authorization)
  const { installation, repositories: named, permissions, entry } = token
  const matches = (one: Repository) => sameName(one.owner, owner) && sameName(one.name, name)
  const repository = accounts
    .repositories(installation)
    .find((one) => matches(one) && (!named || named.some(({ id }) => id === one.id)))
  if (repository && reaches(permissions['contents'], needs[service]!)) {
    entry.uses += 1
    return token
  }
  entry.refusals += 1
  if (!repository) return refuse(404, 'Repository not found.')
  const readable = reaches(permissions['contents'], 'read')
  return refuse(
    403,
    readable ? `Permission to ${owner}/${name}.git denied.` : 'Write access to repository not granted.',
  )
}

function present(tokens: Tokens, authorization: string | undefined): Presented {
  const [, encoded = ''] = /^basic ([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '') ?? []
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    return tokens.present(user === userName ? `token ${password.join(':')}` : undefined)
  } catch (error) {
    // Git asks its credential helpers only when it is challenged (RFC 7617 §2).
    const dead = error instanceof HTTPException && error.status === 401
    return refuse(dead ? 401 : 403, dead ? 'Invalid username or token.' : 'Repository access blocked')
  }
}

/** In plain text: git shows it to its user as `remote: …`. */
function refuse(status: 401 | 403 | 404 | 500, message: string): never {
  const res = new Response(`${message}\n`, { status, headers: { 'Content-Type': 'text/plain' } })
  if (status === 401) res.headers.set('WWW-Authenticate', 'Basic realm="GitHub"')
  throw new HTTPException(status, { message, res })
}

/** The response that a CGI program writes (RFC 3875 §6): header fields, a blank line, the body. */
async function answerOf(child: ChildProcessWithoutNullStreams): Promise<Response> {
  const { stdout } = child
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
  const head = await Promise.race([readHead(stdout), failed]).catch(() => refuse(500, noGit))
  const headers = new Headers(head.map((line) => line.split(/: */, 2) as [string, string]))
  const status = Number.parseInt(headers.get('Status') ?? '200')
  headers.delete('Status')
  return new Response(Readable.toWeb(stdout) as ReadableStream<Uint8Array>, { status, headers })
}

async function readHead(stdout: Readable): Promise<string[]> {
  let read = Buffer.alloc(0)
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    read = Buffer.concat([read, chunk as Buffer])
    const end = read.indexOf('\r\n\r\n')
    if (end < 0) continue
    stdout.unshift(read.subarray(end + 4))
    return read.toString('latin1', 0, end).split('\r\n')
  }
  throw new Error('it ended before its answer began')
}
