/** Which events people are told of, in words for whoever has to act on them. */
import type { ChainedEvent, EventType } from '../audit/event.ts'
import { asRead } from '../base/damage.ts'
import { visible } from '../base/text.ts'
import type { Tx } from '../base/unit.ts'
import { byWhom, type Fact, type Notice, orderOf, quoted, type Told, type Words } from './notice.ts'
import { answered, expired, requested } from './requests.ts'

type Wording = (told: Told, tx: Tx, event: ChainedEvent) => Promise<Words | undefined> | Words | undefined

/** Whatever is not here nobody is told of. */
const wordings: { [Type in EventType]?: Wording } = {
  'approval.requested': requested,
  'approval.granted': answered,
  'approval.denied': answered,
  'task.ended': expired,
  'lease.irrevocable': irrevocable,
  'agent.suspended': (_, __, event) => suspension(event, 'is suspended'),
  'agent.resumed': (_, __, event) => suspension(event, 'is no longer suspended'),
  'fence.raised': (told, _, event) => fence(event, 'A fence stands', told),
  'fence.lifted': (_, __, event) => fence(event, 'A fence was lifted'),
  'agent.review_near': (_, __, event) => reviewNear(event),
}

/** Whether there is a notice of it, perhaps. */
export function isTold({ type }: { type: EventType }): boolean {
  return type in wordings
}

/** What is told of the event; undefined where nobody has to hear of it. */
export async function noticeOf(told: Told, tx: Tx, event: ChainedEvent): Promise<Notice | undefined> {
  const words = await wordings[event.type]?.(told, tx, event)
  if (!words) return undefined
  const { agent, owner, task, lease, at, seq, mac } = event
  const { redact } = told
  const { fingerprint, ...rest } = words
  return {
    ...rest,
    id: `evt_${seq}_${mac.slice(0, 22)}`,
    at,
    facts: [
      ...words.facts.map(([name, text]): Fact => [name, visible(redact(text))]),
      ...(fingerprint ? [['Fingerprint', visible(fingerprint)] as const] : []),
    ],
    data: {
      ...texts({ seq, broker: told.url(), agent, owner, task, lease, ...words.data }, redact),
      ...(fingerprint && { fingerprint }),
    },
  }
}

async function irrevocable({ leases, url }: Told, tx: Tx, event: ChainedEvent): Promise<Words> {
  const { type, agent, lease: id = '', data = {} } = event
  const stored = await leases.get(tx, id)
  const { provider = '', connection = '', detail, fingerprint } = (stored && asRead(stored)) ?? {}
  const { attempts, reason } = data
  return {
    type,
    title: `A credential of ${agent} cannot be revoked, and may still work`,
    facts: [
      ['Lease', id],
      ['Upstream', `${provider}/${connection}`],
      ['What', quoted(detail)],
      ['Attempts', `${String(attempts)}; ${String(reason)}`],
    ],
    command: `mayfly admin leases --status irrevocable --url ${url()}`,
    data: { provider, connection, authorization_detail: detail, attempts, reason },
    fingerprint,
  }
}

function suspension(event: ChainedEvent, is: string): Words {
  return { type: event.type, title: `${event.agent} ${is}`, facts: orderOf(event), data: byWhom(event) }
}

/** One on an agent is its suspension, and told as such. */
function fence(event: ChainedEvent, title: string, told?: Told): Words | undefined {
  const { type, data = {} } = event
  const { selector, fence: id, until } = data
  if (typeof selector === 'object' && selector !== null && 'agent' in selector) return undefined
  return {
    type,
    title,
    facts: [
      ['Keeps out', quoted(selector)],
      ...(typeof until === 'string' ? [['Until', until] as const] : []),
      ...orderOf(event),
    ],
    ...(told && { command: `mayfly admin lift ${String(id)} --url ${told.url()} --reason TEXT` }),
    data: { fence: id, selector, until, ...byWhom(event) },
  }
}

function reviewNear({ type, agent, owner, data = {} }: ChainedEvent): Words {
  const { review_by: reviewBy, days } = data
  return {
    type,
    title: `${agent} is to be reviewed by ${String(reviewBy)}`,
    facts: [
      ['Owner', owner ?? `whoever the claim ${String(data['owner_claim'])} names`],
      ['Days left', `${String(days)}; from the day after its requests are refused`],
    ],
    data: { review_by: reviewBy, days },
  }
}

/** The same JSON with every text in it as `change` makes it. */
function texts<Value>(value: Value, change: (text: string) => string): Value {
  if (typeof value === 'string') return change(value) as Value
  if (Array.isArray(value)) return value.map((each: unknown) => texts(each, change)) as Value
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]) => [
    change(name),
    texts<unknown>(member, change),
  ])
  return Object.fromEntries(members) as Value
}
