import type { Counterpart } from '../counterpart.ts'
import { type SandboxGithub, startGithub } from '../github.ts'
import { githubLifecycle } from './lifecycle.ts'
import type { GithubSettings } from './settings.ts'

export const github: Counterpart<SandboxGithub, GithubSettings> = {
  start: startGithub,
  arrange: (running) => ({
    connection: githubConnection(running),
    files: { 'app.pem': running.privateKey },
  }),
  lifecycles: ({ url }) => [
    githubLifecycle(url, { repository: 'acme/web', endings: ['completed', 'crashed'] }),
    // The sandbox's policies want a human's yes for this one.
    githubLifecycle(url, { repository: 'acme/infra', endings: ['revoked'] }),
  ],
}

/** The connection `acme` to this GitHub, as `mayfly.yaml` writes it. */
export function githubConnection({ url, appId }: Pick<SandboxGithub, 'url' | 'appId'>) {
  return { name: 'acme', api: url, app_id: appId, private_key: { file: './app.pem' }, owners: ['acme'] }
}
