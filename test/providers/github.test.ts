import { github } from '../../providers/github.ts'
import { providerContract } from '../contract/provider.ts'
import { mints, revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

providerContract('github', async () => {
  const { sandbox, faults, ledger, clock, config, context } = connectGithub()
  const { privateKey } = sandbox.github
  const detail = (repositories: string[], permissions: object) =>
    github.detail.parse({ type: 'github', repositories, permissions })
  return {
    provider: github,
    config,
    origin: sandbox.github.url,
    at: (api) => ({ ...config, api }),
    context,
    clock,
    faults,
    ledger,
    mints,
    revokes,
    secretOf: ({ credential }) => String(credential['token']),
    detail: detail(['acme/web', 'acme/docs'], { contents: 'write', issues: 'read' }),
    narrower: detail(['acme/web'], { contents: 'read' }),
    wider: [
      detail(['acme/web', 'acme/docs', 'acme/infra'], { contents: 'write', issues: 'read' }),
      detail(['acme/web'], { issues: 'write' }),
      detail(['acme/web'], { contents: 'write', members: 'read' }),
      detail(['other/web'], { contents: 'read' }),
    ],
    scope: 'acme/docs+acme/web:issues=read,contents=write',
    lags() {
      Object.assign(sandbox.github.settings, {
        replicationDelay: 3_000,
        replicationRefusal: 403,
        revocationDelay: 1_000,
      })
      return () => Object.assign(sandbox.github.settings, { replicationDelay: 0, revocationDelay: 0 })
    },
    lagMs: 1_000,
    secrets: privateKey.split('\n').filter((line) => line && !line.startsWith('-')),
  }
})
