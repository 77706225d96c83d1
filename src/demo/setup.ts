/** What the demo runs on: a sandbox of upstreams, and a real broker in a folder of its own. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '../client/client.ts'
import { findIdentity } from '../client/identity.ts'
import { systemClock } from '../base/clock.ts'
import type { Configuration } from '../config/load.ts'
import {
  everyUpstream,
  freePort,
  people,
  sandboxAdmin,
  sandboxWorkload,
  writeConfiguration,
} from '../sandbox/configuration.ts'
import { type Sandbox, startSandbox } from '../sandbox/sandbox.ts'
import { readConfiguration } from '../cli/configuration.ts'
import { serve, type Served } from './served.ts'

export interface Setup {
  sandbox: Sandbox
  configuration: Configuration
  /** The broker's. */
  url: string
  broker: Served
  client: Client
  /** Holds the configuration, the store and the log; removed when the process ends. */
  directory: string
  log: string
  /** What a job in GitHub Actions finds in its environment. */
  job: { ACTIONS_ID_TOKEN_REQUEST_URL: string; ACTIONS_ID_TOKEN_REQUEST_TOKEN: string }
  /** A fresh token of the job. */
  workload: () => Promise<string>
  /** A token of the admin, good for an hour. */
  admin: () => Promise<string>
  close: () => Promise<void>
}

export async function setUp(): Promise<Setup> {
  const clock = systemClock()
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-demo-'))
  // Whatever ends the process: the folder holds the keys of this sandbox.
  process.once('exit', () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  const sandbox = await startSandbox({ clock })
  const port = await freePort()
  const [upstreams, logins] = [everyUpstream(sandbox, port), people(sandbox.issuer, port)]
  const file = await writeConfiguration(directory, sandbox, port, {
    settings: { ...upstreams.settings, ...logins.settings },
    files: { ...upstreams.files, ...logins.files },
  })
  const { configuration } = await readConfiguration(file)
  const log = join(directory, 'broker.log')
  const { url } = configuration
  const broker = await serve(file, { url, log })

  const actions = sandbox.issuer.actions({ ...sandboxWorkload })
  const job = {
    ACTIONS_ID_TOKEN_REQUEST_URL: actions.url,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: actions.requestToken,
  }
  return {
    sandbox,
    configuration,
    url,
    broker,
    client: createClient({ url }),
    directory,
    log,
    job,
    workload: () => findIdentity({ env: job, audience: url }),
    admin: () =>
      sandbox.issuer.token({
        ...sandboxAdmin,
        aud: `${url}/admin`,
        exp: Math.floor(clock.now() / 1000) + 3600,
      }),
    close: async () => {
      await broker.stop()
      await sandbox.close()
    },
  }
}
