/** An independent STS and IAM to hold the sandbox against, where there is one: `pip install 'moto[server]'`. */
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam'
import { STSClient } from '@aws-sdk/client-sts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { freePort } from '../../src/sandbox/configuration.ts'
import { until } from '../support/until.ts'

export interface Moto {
  /** All services at once, without a trailing slash. */
  url: string
  /** Takes any: it does not check who asks. */
  credentials: { accessKeyId: string; secretAccessKey: string }
  sts: STSClient
  iam: IAMClient
  close(): Promise<void>
}

/** The `moto_server` at MAYFLY_MOTO or on PATH, with the roles that the sandbox has. Undefined where there is none that runs. */
export async function startMoto(): Promise<Moto | undefined> {
  const binary = process.env['MAYFLY_MOTO'] ?? onPath('moto_server')
  if (binary === undefined) return undefined
  const port = await freePort()
  const server = spawn(binary, ['-H', '127.0.0.1', '-p', String(port)], {
    env: { PATH: process.env['PATH'] },
    stdio: 'ignore',
  })
  const ended = once(server, 'exit')
  const url = `http://127.0.0.1:${port}`
  const answers = () =>
    fetch(`${url}/moto-api/`).then(
      ({ ok }) => ok,
      () => false,
    )
  await until(async () => server.exitCode !== null || (await answers()), 25_000)
  // A shim, for one, may name a program that is not installed.
  if (server.exitCode !== null) return undefined

  const credentials = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'of-a-test' }
  const options = { region: 'eu-west-1', endpoint: url, credentials, maxAttempts: 1 }
  const [sts, iam] = [new STSClient(options), new IAMClient(options)]
  const AssumeRolePolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
  })
  for (const role of [
    { RoleName: 'deployer' },
    { RoleName: 'reader', Path: '/teams/web/', MaxSessionDuration: 7200 },
  ])
    await iam.send(new CreateRoleCommand({ AssumeRolePolicyDocument, ...role }))
  return {
    url,
    credentials,
    sts,
    iam,
    async close() {
      server.kill()
      await ended
    },
  }
}

function onPath(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}
