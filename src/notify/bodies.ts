/** What is sent, as each kind of receiver takes it. None is longer than it may be there. */
import { isoTime } from '../base/iso-time.ts'
import type { Notice } from './notice.ts'

export const targetKinds = ['generic', 'slack', 'teams'] as const
export type TargetKind = (typeof targetKinds)[number]

/** `link` is where the notice can be acted on, if there is such a page. */
type Shape = (notice: Notice, link: string | undefined) => object

/** The longest body, in bytes of JSON: what does not fit is named, and to be looked up at the broker. */
const longestBody = 24_576

const shapes: Record<TargetKind, Shape> = { generic, slack, teams }

export function bodyFor(kind: TargetKind, notice: Notice, link: string | undefined): string {
  return JSON.stringify(shapes[kind](notice, link))
}

/** The payload of Standard Webhooks: `type`, `timestamp` and `data`. */
function generic({ type, at, title, data }: Notice, link: string | undefined): object {
  const timestamp = isoTime(at)
  const whole = { type, timestamp, data: { title, ...data, ...(link !== undefined && { link }) } }
  const members = Object.entries(whole.data).toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a))
  const truncated: string[] = []
  for (const [name] of members) {
    if (sizeOf(whole) <= longestBody) break
    truncated.push(name)
    Object.assign(whole.data, { [name]: undefined, truncated })
  }
  return whole
}

const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value) ?? '')

/**
 * Block Kit. What others wrote is `plain_text`, in which nothing is a link or calls anybody. A
 * section holds ten fields of 2,000 characters each, a header 150.
 */
function slack({ title, facts, command }: Notice, link: string | undefined): object {
  return fitting(facts, (shown) => slackOf({ title, facts: shown, command }, link))
}

function slackOf(
  { title, facts, command }: Pick<Notice, 'title' | 'facts'> & { command: string | undefined },
  link: string | undefined,
): object {
  const plain = (text: string, longest: number) => ({
    type: 'plain_text',
    text: cut(text, longest),
    emoji: false,
  })
  const sections = chunks(facts, 10).map((some) => ({
    type: 'section',
    fields: some.map(([name, text]) => plain(`${name}\n${text}`, 1_900)),
  }))
  return {
    // Where there is no room for blocks, as in a notification: there it is mrkdwn.
    text: cut(title, 300).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    blocks: [
      { type: 'header', text: plain(title, 150) },
      ...sections,
      ...(command === undefined ? [] : [{ type: 'section', text: plain(command, 2_000) }]),
      ...(link === undefined
        ? []
        : [
            {
              type: 'actions',
              elements: [{ type: 'button', text: plain('Look and answer', 75), url: link }],
            },
          ]),
    ],
  }
}

/**
 * An Adaptive Card, as the webhooks of Teams' workflows take it, of 28 KB at most. In a
 * `TextRun` nothing is Markdown, so that nothing that others wrote is a link.
 */
function teams({ title, facts, command }: Notice, link: string | undefined): object {
  return fitting(facts, (shown) => teamsOf({ title, facts: shown, command }, link))
}

function teamsOf(
  { title, facts, command }: Pick<Notice, 'title' | 'facts'> & { command: string | undefined },
  link: string | undefined,
): object {
  const block = (...inlines: object[]) => ({ type: 'RichTextBlock', inlines })
  const run = (text: string, how: object = {}) => ({ type: 'TextRun', text, ...how })
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(run(cut(title, 300), { weight: 'Bolder', size: 'Medium' })),
      ...facts.map(([name, text]) => block(run(`${name}: `, { weight: 'Bolder' }), run(text))),
      ...(command === undefined ? [] : [block(run(cut(command, 2_000), { fontType: 'Monospace' }))]),
    ],
    ...(link !== undefined && {
      actions: [{ type: 'Action.OpenUrl', title: 'Look and answer', url: link }],
    }),
  }
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  }
}

/** The most facts that are shown: a scope may have a hundred details. */
const mostFacts = 16

/** With each fact as long as it may be for all of it to fit. */
function fitting(facts: Notice['facts'], build: (shown: Notice['facts']) => object): object {
  const longest = [1_000, 400].find((each) => sizeOf(build(bounded(facts, each))) <= longestBody)
  return build(bounded(facts, longest ?? 120))
}

function bounded(facts: Notice['facts'], longest: number): Notice['facts'] {
  const shown = facts.map(([name, text]) => [name, cut(text, longest)] as const)
  if (facts.length <= mostFacts) return shown
  const left = facts.length - mostFacts + 1
  return [
    ...shown.slice(0, mostFacts - 1),
    ['And', `${left} more: look at the whole request before you answer`],
  ]
}

/** By code points: half of one is no text. */
function cut(text: string, longest: number): string {
  if (text.length <= longest) return text
  return `${text
    .slice(0, longest - 1)
    .toWellFormed()
    .replace(/\ufffd$/, '')}…`
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  )
}
