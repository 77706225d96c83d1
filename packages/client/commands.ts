/** The commands of a client: those that speak to a broker, and need nothing of it here. */
import type { CommandFile } from '../../src/cli/commands.ts'

export const commands: Record<string, () => Promise<CommandFile>> = {
  bootstrap: () => import('../../src/cli/bootstrap.ts'),
  login: () => import('../../src/cli/login.ts'),
  logout: () => import('../../src/cli/logout.ts'),
  whoami: () => import('../../src/cli/whoami.ts'),
  task: () => import('../../src/cli/task.ts'),
  explain: () => import('../../src/cli/explain.ts'),
  run: () => import('../../src/cli/run.ts'),
  token: () => import('../../src/cli/token.ts'),
  mcp: () => import('../../src/cli/mcp.ts'),
  'git-credential': () => import('../../src/cli/git-credential.ts'),
  'docker-credential': () => import('../../src/cli/docker-credential.ts'),
  'aws-credentials': () => import('../../src/cli/aws-credentials.ts'),
  admin: () => import('../../src/cli/admin.ts'),
  completion: () => import('../../src/cli/completion.ts'),
}

export const brokers: ReadonlySet<string> = new Set()
