/** Opens a task for the job, waits for its approvals, and mints what was asked for. */
import { randomUUID } from 'node:crypto'
import { call, secretsOf, waits } from './broker.mjs'
import {
  identityToken,
  input,
  mask,
  messageOf,
  plain,
  saveState,
  say,
  setOutput,
  summarize,
} from './runner.mjs'
import { detailsOf } from './scope.mjs'

try {
  await main()
} catch (error) {
  // What was opened is completed by post, however this ends.
  say('error', messageOf(error))
  process.exitCode = 1
}

async function main() {
  const url = input('url')
  if (!URL.canParse(url)) throw new Error('url is not the address of a broker')
  const details = detailsOf(input('scope'))
  const identity = await identityToken(input('audience') || url)
  const body = JSON.stringify({
    purpose: input('purpose') || 'a job of GitHub Actions',
    authorization_details: details,
    ttl: Number(input('ttl') || 900),
    ...(input('agent') && { agent: input('agent') }),
  })
  const key = randomUUID()
  // All that post needs to find the task, before there is one: the same request resumes it.
  for (const [name, value] of Object.entries({ url, identity, body, key })) saveState(name, value)
  const opened = await call(url, '/v1/tasks', { token: identity, body, key, waitMs: waits.keys })
  const { id, task_token: token } = opened
  mask(token)
  // Before anything is minted: a credential is never alive of which post does not know the task.
  saveState('task', id)
  saveState('token', token)
  setOutput('task', id)
  await untilActive({ url, id, token }, opened)

  const credentials = []
  for (const [index, detail] of details.entries()) {
    // The call of a tool is allowed with the task; there is no credential for it.
    if (detail.type === 'tool') continue
    const { credential } = await call(url, `/v1/tasks/${id}/credentials`, {
      token,
      body: JSON.stringify({ authorization_detail: detail }),
      key: `${key}-${index}`,
      waitMs: waits.mint,
    })
    for (const secret of secretsOf(credential)) mask(secret)
    credentials.push(credential)
  }
  const text = JSON.stringify(credentials)
  mask(text)
  setOutput('credentials', text)
  const [only, another] = credentials
  if (another === undefined && typeof only?.token === 'string') setOutput('token', only.token)
}

/** Waits for the yes of whomever policy asks. */
async function untilActive({ url, id, token }, opened) {
  let task = opened
  if (task.status === 'pending_approval') tell(url, task)
  const until = Date.now() + Number(input('wait') || 900) * 1000
  while (task.status === 'pending_approval') {
    const left = Math.floor((until - Date.now()) / 1000)
    if (left < 1) throw new Error(`${id} still waits for approval`)
    const wait = Math.min(left, 30)
    task = await call(url, `/v1/tasks/${id}?wait=${wait}`, { token, method: 'GET', waitMs: wait * 1000 })
  }
  if (task.status !== 'active') throw new Error(`${id} is ${task.status} (${task.end_reason})`)
}

function tell(url, { id, approvals, expires_at: expires, purpose }) {
  const waiting = approvals.filter(({ status }) => status === 'pending')
  summarize([
    `### Waits for approval until ${plain(expires)}`,
    '',
    `${plain(purpose)} (\`${id}\`)`,
    '',
    ...waiting.map(({ id: approval, group, link }) => {
      const page = link ? `[decide on its page](${link}), or ` : ''
      return `- **${plain(group)}**: ${page}\`mayfly admin approve ${approval} --url ${url}\``
    }),
  ])
  const whom = waiting.map(({ id: approval, group, link = approval }) => `${group} (${link})`)
  say('notice', `waits for ${whom.join(', ')}`)
}
