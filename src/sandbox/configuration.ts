/** A broker's configuration for the sandbox: what the demo, the examples and the tests start from. */
import { randomBytes, randomInt } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Counterpart } from './counterpart.ts'
import { counterparts, counterpartTypes } from './counterparts.ts'
import { githubConnection } from './github/counterpart.ts'
import type { Sandbox } from './sandbox.ts'

export { githubConnection }

/**
 * The workload that the sandbox's issuer vouches for, as GitHub Actions would describe it: a job of a
 * repository made before July 2026. The subject of later ones has ids.
 */
export const sandboxWorkload = {
  sub: 'repo:acme/web:ref:refs/heads/main',
  repository: 'acme/web',
  repository_id: '123',
} as const

/** The same workload as GitHub describes it where the repository is of July 2026 or later. */
export const sandboxWorkloadWithIds = {
  ...sandboxWorkload,
  sub: 'repo:acme@65/web@123:ref:refs/heads/main',
} as const

/** The human who may do everything. */
export const sandboxAdmin = {
  sub: 'ada',
  email: 'ada@acme.dev',
  email_verified: true,
  groups: ['security'],
} as const

const agent = {
  name: 'refactor-bot',
  owner: 'linus@acme.dev',
  purpose: 'Opens refactoring pull requests',
  environment: 'dev',
  review_by: '2099-12-31',
  max_ttl: 3600,
  match: [
    {
      issuer: 'sandbox',
      subject: sandboxWorkload.sub,
      claims: { repository_id: sandboxWorkload.repository_id },
    },
  ],
}

/** Who may do everything at the broker at `url`. */
const security = (url: string) => ({
  name: 'security',
  issuer: 'sandbox',
  audience: `${url}/admin`,
  claims: { groups: 'security' },
  may: ['read', 'approve', 'revoke', 'suspend'],
})

const policies = `@id("refactor-bot-works-on-acme")
permit (principal == Mayfly::Agent::"refactor-bot",
        action in [Mayfly::Action::"read", Mayfly::Action::"write"],
        resource in Mayfly::GithubOwner::"acme")
when { context.ttl <= 3600 };

@id("docs-are-read-only")
forbid (principal,
        action in [Mayfly::Action::"write", Mayfly::Action::"deploy", Mayfly::Action::"admin"],
        resource == Mayfly::GithubRepository::"acme/docs");

@id("infra-needs-security")
@approval("security")
@description("Security looks at every change of the infrastructure first")
forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
unless { context.approvals.contains("security") };
`

/** Files to write in place of, or besides, the usual ones: their text by path. */
export type Files = Record<string, string>

/**
 * Writes a complete configuration into `directory`, which must exist, and
 * returns the path of its `mayfly.yaml`. `settings` replaces top-level keys.
 */
export async function writeConfiguration(
  directory: string,
  sandbox: {
    issuer: Pick<Sandbox['issuer'], 'url'>
    github: Pick<Sandbox['github'], 'url' | 'appId' | 'privateKey'>
  },
  port: number,
  { settings = {}, files = {} }: { settings?: Record<string, unknown>; files?: Files } = {},
): Promise<string> {
  const url = `http://127.0.0.1:${port}`
  const written: Files = {
    'mayfly.yaml': stringify({
      url,
      listen: `127.0.0.1:${port}`,
      store: 'sqlite:./mayfly.db',
      seal: { keys: [{ id: 'k1', secret: { file: './seal.key' } }] },
      agents: './agents',
      policies: './policies',
      issuers: {
        sandbox: { issuer: sandbox.issuer.url },
      },
      providers: { github: [githubConnection(sandbox.github)] },
      admins: [security(url)],
      ...settings,
    }),
    'seal.key': randomBytes(32).toString('base64'),
    'app.pem': sandbox.github.privateKey,
    'agents/refactor-bot.yaml': stringify(agent),
    'policies/acme.cedar': policies,
    ...files,
  }
  await mkdir(join(directory, 'agents'), { recursive: true })
  await mkdir(join(directory, 'policies'), { recursive: true })
  for (const [path, text] of Object.entries(written))
    await writeFile(join(directory, path), text, { mode: 0o600 })
  return join(directory, 'mayfly.yaml')
}

const separationOfDuties = `@id("no-secrets-with-deploy")
forbid (principal, action, resource)
when { context.held.containsAll(["deploy", "secrets"]) };
`

/**
 * What to write so that the broker on `port` mints for every upstream of the
 * sandbox; to AWS and Vault it proves itself with its own key, and holds no secret
 * of theirs. Also lets them trust that broker.
 */
export function everyUpstream(
  sandbox: Sandbox,
  port: number,
): { settings: Record<string, unknown>; files: Files } {
  const url = `http://127.0.0.1:${port}`
  const arranged = counterpartTypes.map((type) => {
    const counterpart: Counterpart = counterparts[type]
    return { type, ...counterpart.arrange(sandbox[type], url) }
  })
  const policies = [...arranged.map((each) => each.policies ?? ''), separationOfDuties]
  return {
    settings: {
      providers: Object.fromEntries(arranged.map(({ type, connection }) => [type, [connection]])),
    },
    files: Object.assign(
      { 'policies/upstreams.cedar': policies.join('\n') },
      ...arranged.map(({ files }) => files),
    ),
  }
}

/**
 * What to write besides, so that people log in at the sandbox's issuer: one agent for the assistants of
 * them all, each owned by whoever it works for. Their clients are those that the issuer knows.
 */
export function people(
  issuer: Pick<Sandbox['issuer'], 'url'>,
  port: number,
): { settings: Record<string, unknown>; files: Files } {
  const url = `http://127.0.0.1:${port}`
  const login = { client_id: 'mayfly', admin_client_id: 'mayfly-admin' }
  return {
    settings: {
      issuers: { sandbox: { issuer: issuer.url, login } },
      admins: [{ ...security(url), audience: [`${url}/admin`, login.admin_client_id] }],
    },
    files: {
      'agents/claude-code.yaml': stringify({
        name: 'claude-code',
        owner: { claim: 'email' },
        purpose: 'Works in repositories for whoever is logged in',
        environment: 'dev',
        review_by: '2099-12-31',
        max_ttl: 3600,
        // An admin is of engineering too: what their token is for tells the two apart.
        match: [{ issuer: 'sandbox', claims: { groups: 'engineering', aud: login.client_id } }],
      }),
      'policies/claude-code.cedar': `@id("claude-code-works-on-acme")
permit (principal == Mayfly::Agent::"claude-code",
        action in [Mayfly::Action::"read", Mayfly::Action::"write"],
        resource in Mayfly::GithubOwner::"acme")
when { context.ttl <= 3600 };
`,
    },
  }
}

/** Ports that systems do not give to outgoing connections unless told to: Linux takes those from 32768 on, others from 49152 (RFC 6335 §6). */
const [firstPort, pastPort] = [15_000, 32_000]

/** A port on loopback that was free a moment ago, and that only somebody who asks for it can take until it is listened on. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, pastPort)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listens = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  if (listens) await new Promise((resolve) => server.close(resolve))
  return listens
}
