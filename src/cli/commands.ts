/** The commands. The client alone, as packages/client has it, puts its own list in this one's place. */
import type { Command } from 'commander'

export type CommandFile = { register(program: Command): void }

/** In the order of the help. Each is loaded only when it is wanted: the broker's own code takes a while to load. */
export const commands: Record<string, () => Promise<CommandFile>> = {
  demo: () => import('./demo.ts'),
  sandbox: () => import('./sandbox.ts'),
  init: () => import('./init.ts'),
  import: () => import('./import.ts'),
  validate: () => import('./validate.ts'),
  doctor: () => import('./doctor.ts'),
  serve: () => import('./serve.ts'),
  bootstrap: () => import('./bootstrap.ts'),
  login: () => import('./login.ts'),
  logout: () => import('./logout.ts'),
  task: () => import('./task.ts'),
  explain: () => import('./explain.ts'),
  run: () => import('./run.ts'),
  token: () => import('./token.ts'),
  mcp: () => import('./mcp.ts'),
  'git-credential': () => import('./git-credential.ts'),
  'docker-credential': () => import('./docker-credential.ts'),
  'aws-credentials': () => import('./aws-credentials.ts'),
  admin: () => import('./admin.ts'),
  audit: () => import('./audit.ts'),
  store: () => import('./store.ts'),
  policy: () => import('./policy.ts'),
  whoami: () => import('./whoami.ts'),
  schema: () => import('./schema.ts'),
  completion: () => import('./completion.ts'),
}

/** Those that need the broker's own code, and with it a newer Node.js than the client does. */
export const brokers: ReadonlySet<string> = new Set(
  'demo sandbox import validate doctor serve audit store policy'.split(' '),
)
