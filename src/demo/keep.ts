/** `--keep`: what to try by hand while the demo's broker runs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Setup } from './setup.ts'

export interface Errand {
  what: string
  /** Pasted into a POSIX shell in a checkout, in this order. */
  command: string
}

const mayfly = 'npm run -s mayfly --'

/** A person who logs in, from getting to know the broker to logging out. */
export function logins({ url, sandbox }: Pick<Setup, 'url' | 'sandbox'>): Errand[] {
  const { url: remote } = sandbox.github
  const push =
    `cd $(mktemp -d) && git clone -q ${remote}/acme/web.git . && date > first.txt && git add . && ` +
    `git -c user.name=me -c user.email=me@acme.dev commit -q -m first && git push -q origin HEAD:refs/heads/first && echo pushed`
  return [
    { what: 'Get to know the broker, once', command: `${mayfly} bootstrap ${url}` },
    {
      what: 'Log in, as grace for instance: nobody asks for a password here (over SSH: --device)',
      command: `${mayfly} login`,
    },
    {
      what: 'The first token of your own, which lives for a minute',
      command: `${mayfly} token --scope github:acme/web:contents=read --ttl 60`,
    },
    {
      what: 'Push in a task that ends with the push; as often as you like, without logging in again',
      command: `${mayfly} run --purpose 'a first push' --git-host ${remote} --scope github:acme/web:contents=write -- sh -c '${push}'`,
    },
    { what: 'Who is logged in', command: `${mayfly} whoami` },
    {
      what: 'As ada, who is an admin: what all of them do',
      command: `${mayfly} login --admin && ${mayfly} admin tasks`,
    },
    { what: 'Out again', command: `${mayfly} logout` },
  ]
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
