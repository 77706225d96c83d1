/** `--keep`: what to try by hand while the demo's broker runs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Setup } from './setup.ts'

export interface Errand {
  what: string
  /** Pasted into a POSIX shell in a checkout, in this order. */
  command: string
}

/** Also writes the admin's token beside the configuration. */
export async function errands({
  url,
  job,
  directory,
  sandbox,
  configuration,
  admin,
}: Setup): Promise<Errand[]> {
  const adminToken = join(directory, 'admin.token')
  await writeFile(adminToken, await admin(), { mode: 0o600 })
  const mayfly = 'npm run -s mayfly --'
  const environment = Object.entries({ MAYFLY_URL: url, ...job }).map(([name, value]) => `${name}='${value}'`)
  const body = JSON.stringify({
    purpose: 'try the API',
    authorization_details: [
      { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } },
    ],
  })
  return [
    {
      what: 'Be the job that the sandbox vouches for, as in GitHub Actions',
      command: `export ${environment.join(' ')}`,
    },
    {
      what: 'Open a task',
      command: `eval "$(${mayfly} task open --purpose 'try it out' --scope github:acme/web:contents=write --env)"`,
    },
    {
      what: 'Use a credential of it against the sandbox GitHub',
      command: `TOKEN=$(${mayfly} token --scope github:acme/web:contents=read); curl -s -w '\\n%{http_code}\\n' -H "Authorization: Bearer $TOKEN" ${sandbox.github.url}/repos/acme/web/contents/README.md`,
    },
    { what: 'See the task', command: `${mayfly} task show` },
    {
      what: 'Stop it as an admin (the token is good for an hour), and use the credential again',
      command: `${mayfly} admin revoke --task "$MAYFLY_TASK" --reason 'trying it out' --token-file ${adminToken}; curl -s -w '\\n%{http_code}\\n' -H "Authorization: Bearer $TOKEN" ${sandbox.github.url}/repos/acme/web/contents/README.md`,
    },
    { what: 'Verify the record', command: `${mayfly} audit verify -c ${configuration.file}` },
    {
      what: 'The same without a client: an identity token, then a task',
      command: `IDENTITY=$(curl -s -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$MAYFLY_URL" | cut -d '"' -f 4); curl -s -H "Authorization: Bearer $IDENTITY" -H 'Content-Type: application/json' -d '${body}' ${url}/v1/tasks`,
    },
  ]
}
