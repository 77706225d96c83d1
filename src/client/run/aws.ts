/**
 * How the AWS tools of a run come by credentials: from an endpoint of the run's own, as in a container, which
 * they ask again before the end of each ("AWS SDKs and Tools", container credential provider); another
 * role of the scope through a profile that calls us (process credential provider).
 */
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { devNull } from 'node:os'
import { join } from 'node:path'
import type { AuthorizationDetail } from '../client.ts'
import { awsParts, wholeSeconds } from '../formats.ts'
import type { KeptCredential } from '../kept.ts'
import type { Environment } from './ambient.ts'
import { type Answer, jsonAnswer, serveEndpoint } from './endpoint.ts'
import { quoted } from './shell.ts'

export interface AwsAccess extends Disposable {
  env: Environment
  /** The profile of each detail, in their order. */
  profiles: string[]
}

/** What every run sets: none of the files counts in which a login may lie, nor the machine's own role. */
export const awsGuards: Environment = {
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
  // The Python SDK reads ~/.boto and /etc/boto.cfg before it asks an endpoint.
  BOTO_CONFIG: devNull,
}

export interface AwsSources {
  /** Where its connection is. */
  region: string | undefined
  /** The credential of the default, as it is now. */
  get: () => Promise<KeptCredential>
  /** What prints that of any of them as `credential_process` has it. */
  command: (detail: AuthorizationDetail) => readonly string[]
}

/** `details`: those of the scope, the default first. */
export async function serveAws(
  directory: string,
  details: readonly AuthorizationDetail[],
  { region, get, command }: AwsSources,
): Promise<AwsAccess> {
  const folder = join(directory, 'aws')
  await mkdir(folder)
  const [config, secretFile] = [join(folder, 'config'), join(folder, 'authorization')]
  const secret = randomBytes(32).toString('base64url')
  await writeFile(secretFile, secret, { mode: 0o600 })
  const profiles = profileNames(details)
  const sections = details.map((detail, index) => section(profiles[index]!, command(detail)))
  await writeFile(config, sections.join('\n'), { mode: 0o600 })

  const endpoint = await serveEndpoint({
    header: 'authorization',
    secret,
    path,
    answer: () => answerWith(get),
  })
  return {
    profiles,
    env: {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${endpoint.origin}${path}`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: secretFile,
      AWS_CONFIG_FILE: config,
      AWS_REGION: region,
      AWS_DEFAULT_REGION: region,
    },
    [Symbol.dispose]: () => endpoint[Symbol.dispose](),
  }
}

const path = '/credentials'

async function answerWith(get: () => Promise<KeptCredential>): Promise<Answer> {
  const kept = await get()
  const parts = awsParts(kept)
  if (!parts)
    return jsonAnswer(502, { code: 'internal', message: 'the broker answered with no AWS credential' })
  const { SessionToken: Token, ...keys } = parts
  return jsonAnswer(200, { ...keys, Token, Expiration: wholeSeconds(kept.until) })
}

/** The role's name; with its account, and then a number, where that is another's too. */
function profileNames(details: readonly AuthorizationDetail[]): string[] {
  const names: string[] = []
  for (const { role_arn: arn } of details) {
    const [, account = '', role = ''] =
      /^arn:[^:]+:iam::(\d+):role\/(?:.*\/)?([^/]+)$/.exec(String(arn)) ?? []
    const numbered = Array.from(details, (_, index) => `${account}-${role}-${index + 2}`)
    names.push([role, `${account}-${role}`, ...numbered].find((name) => !names.includes(name))!)
  }
  return names
}

function section(profile: string, command: readonly string[]): string {
  return `[profile ${profile}]\ncredential_process = ${command.map(quotedForProcess).join(' ')}\n`
}

/** "Process credential provider": some SDKs split the line by themselves, others give it to a shell. */
function quotedForProcess(word: string): string {
  return /^[\w./@:+-]+$/.test(word) ? word : quoted(word)
}
