import type { Agents } from '../agents/registry.ts'
import { adminEntry, Admins, type AdminEntry, writtenRule } from '../control/admins.ts'
import { checkRule, type KnownIssuers } from './agents.ts'
import { fault, type Reading, warn } from './loading.ts'
import { parse } from './parse.ts'

/** Compiles the entries of `admins`. */
export function compileAdmins(
  entries: readonly unknown[],
  given: { agents: Agents; issuers: KnownIssuers },
  reading: Reading,
): Admins {
  const { file, faults } = reading
  const compiled = new Map<string, { entry: AdminEntry; index: number }>()
  entries.forEach((written, index) => {
    const at = ['admins', index]
    const entry = parse(adminEntry, written, { file, at, faults })
    // Whatever else is wrong with the entry, its rule is looked at.
    const rule = entry?.match ?? writtenRule.safeParse(written).data
    if (rule) checkRule(rule, given.issuers, { file, at, faults })
    if (!entry) return
    if (compiled.has(entry.name))
      fault(
        reading,
        [...at, 'name'],
        'names another entry too',
        'Choose another name: it is the group that approves.',
      )
    else compiled.set(entry.name, { entry, index })
  })
  const issuers = [...given.issuers.values()].filter((issuer) => issuer !== undefined)
  const list = [...compiled.values()]
  const admins = new Admins(
    list.map(({ entry }) => entry),
    { agents: given.agents, issuers },
  )
  for (const { entry, index } of list) {
    const agents = admins.confusable(entry)
    if (agents.length > 0)
      warn(
        reading,
        ['admins', index],
        `nothing tells a holder of this entry from a workload of ${agents.join(', ')}, and a workload is never an admin`,
        'Give admins an audience of their own, or a subject or claim that no workload has.',
      )
  }
  return admins
}
