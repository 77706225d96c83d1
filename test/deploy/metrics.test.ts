/** The alerts and the dashboard ask for metrics that there are, with labels and values that they have. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { fenceKinds } from '../../src/agents/fence.ts'
import { eventTypes } from '../../src/audit/event.ts'
import { errorCodes } from '../../src/base/errors.ts'
import { createMetrics } from '../../src/broker/metrics.ts'
import { leaseStatuses } from '../../src/leases/lease.ts'
import { openStatuses } from '../../src/tasks/task.ts'
import { manualClock } from '../support/clock.ts'
import { selfSigned } from '../support/certificate.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Rule {
  alert: string
  expr: string
  labels: Record<string, string>
  annotations: Record<string, string>
}
const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as {
  groups: { name: string; rules: Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)

interface Panel {
  title: string
  targets?: { expr: string; legendFormat: string }[]
}
const dashboard = JSON.parse(read('deploy/grafana/mayfly.json')) as { uid: string; panels: Panel[] }
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ what: `the panel ${title}`, expr, legendFormat })),
)
const expressions = [...rules.map(({ alert, expr }) => ({ what: alert, expr, legendFormat: '' })), ...queries]

const metrics = createMetrics()
metrics.watch({
  stored: async () => ({ leases: [], tasks: {}, fences: [] }),
  queues: () => [],
  intrusion: () => ({ doubts: [], damaged: [] }),
  notices: () => [],
  brokers: () => ({ brokers: 1, configurations: 1 }),
  clock: manualClock(),
})
metrics.serves(selfSigned().cert)
interface Known {
  name: string
  type: string
  labelNames?: string[]
}
const known = new Map(
  (metrics.registry.getMetricsAsArray() as unknown as Known[]).flatMap((metric): [string, Known][] =>
    ['', ...(metric instanceof Object && 'buckets' in metric ? ['_bucket', '_sum', '_count'] : [])].map(
      (ending) => [metric.name + ending, metric],
    ),
  ),
)

/** Each metric that is asked for, with its selector. */
function asked(expr: string): { name: string; labels: [name: string, operator: string, value: string][] }[] {
  return [...expr.matchAll(/\b((?:mayfly|process|nodejs)_\w+|up)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => ({
      name,
      labels: [...selector.matchAll(/(\w+)(=~|=|!=|!~)"([^"]*)"/g)].map(
        ([, label = '', operator = '', value = '']) => [label, operator, value],
      ),
    }),
  )
}
/** What Prometheus itself adds to each. */
const ofTarget = ['job', 'instance']

test('there is something to hold', () => {
  expect(rules.length).toBeGreaterThan(10)
  expect(queries.length).toBeGreaterThan(20)
  expect(known.size).toBeGreaterThan(40)
})

test.each(expressions)('$what asks for what there is', ({ expr, legendFormat }) => {
  const selected = asked(expr)
  expect(selected.length).toBeGreaterThan(0)
  for (const { name, labels } of selected) {
    if (name === 'up') continue
    const metric = known.get(name)
    expect(metric, name).toBeDefined()
    for (const [label, , value] of labels) {
      expect([...(metric!.labelNames ?? []), ...ofTarget], `${name}, ${label}`).toContain(label)
      const possible = valuesOf(name, label)
      for (const each of value.split('|')) if (possible) expect(possible, `${name}, ${label}`).toContain(each)
    }
  }
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '))
  const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label)
  // An expression that falls back on another metric has that one without a grouping.
  const had = selected.flatMap(({ name }) => known.get(name)?.labelNames ?? [])
  for (const label of [...grouped, ...shown]) expect([...had, ...ofTarget, 'le'], label).toContain(label)
  for (const [open, close] of ['()', '{}', '[]'])
    expect(expr.split(open!).length, expr).toBe(expr.split(close!).length)
})

/** What a label can be, where that is a closed set. */
function valuesOf(metric: string, label: string): readonly string[] | undefined {
  const sets: Record<string, readonly string[]> = {
    'mayfly_leases status': leaseStatuses,
    'mayfly_open_tasks status': openStatuses,
    'mayfly_fences kind': fenceKinds,
    'mayfly_events_total type': eventTypes,
    'mayfly_refusals_total code': errorCodes,
    'mayfly_queue_length queue': ['revocations', 'looks'],
    'mayfly_notices_total outcome': ['delivered', 'failed'],
  }
  const operations = ['mint', 'revoke', 'probe', 'recover', 'maintain']
  return label === 'operation' ? operations : sets[`${metric} ${label}`]
}

test.each(rules)('$alert fires once, not once for each broker', ({ expr }) => {
  // What all brokers tell alike, and what one of them does, is put together before it is compared.
  expect(expr.trim()).toMatch(/^\(*(?:max|min|sum|count|histogram_quantile|absent)\b/)
})

test.skipIf(spawnSync('promtool', ['--version']).status !== 0)(
  'each fires when it should (where promtool is on PATH)',
  () => {
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'alerts.promtool.yaml'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    })
    expect(`${stdout}${stderr}`).toContain('SUCCESS')
  },
)

test('each alert is named once, says how urgent it is, and leads to a page that is there', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  for (const { alert, labels, annotations } of rules) {
    expect(['page', 'ticket'], alert).toContain(labels['severity'])
    expect(annotations['summary'], alert).toMatch(/\w/)
    const [page = '', anchor = ''] = (annotations['runbook'] ?? '').split('#')
    expect(existsSync(join(root, page)), alert).toBe(true)
    const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    )
    expect(headings, alert).toContain(anchor)
  }
})

test('each metric of ours is explained to operators, and each that is explained there is', () => {
  const page = read('docs/operating.md')
  const explained = [...page.matchAll(/^\| `(mayfly_\w+)`/gm)].map(([, name = '']) => name)
  const ours = [...new Set([...known.values()].map(({ name }) => name))].filter((name) =>
    name.startsWith('mayfly_'),
  )
  expect(explained.toSorted()).toEqual(ours.toSorted())
})
