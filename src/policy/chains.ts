/**
 * Chained trust: an agent that may write a repository becomes every agent whose
 * rules the repository's jobs match, and has what that one has. Computed from the
 * configuration alone, and erring towards yes: of a condition that a policy or a
 * rule makes, only what it plainly says of the resource is looked at (docs/decisions/0026).
 */
import { type Class, classes } from '../provider/terms.ts'
import { type ChainInput, type Lever, trust } from './trust.ts'

/** What an agent comes by when its credentials are used to become others. */
export interface Chain {
  /** From the agent that begins to the one that it becomes; each by way of the resource between. */
  agents: string[]
  /** `acme/web`, or `acme/*` for every other of an owner: one fewer than the agents. */
  through: string[]
  /** The actions by which the first step is taken. */
  by: string[]
  /** Classes that the last may have and the first may not, from the least to the most. */
  gains: Class[]
  /** Whether the most that the last may have is more than the most that the first may. */
  raises: boolean
  /** Groups whose yes a step needs, sorted. */
  approvals: string[]
}

/** One agent becomes another by way of one resource. */
interface Step {
  from: string
  to: string
  lever: Lever
}

/** For each agent and each that it can become, the shortest way; one without approvals where there is one. */
export function chains(given: ChainInput): Chain[] {
  const { agents, levers, held } = trust(given)
  return agents.flatMap((name) => {
    const ways = new Map([...reachable(name, levers), ...reachable(name, free(levers))])
    return [...ways.keys()].flatMap((to) => (to === name ? [] : chainOf(wayTo(to, name, ways), held)))
  })
}

/** For each agent that becomes more than it may be without anybody's yes: its first chain of that kind, and how many more there are. */
export function raises(given: ChainInput): { chain: Chain; more: number }[] {
  const { agents, levers, held } = trust(given)
  return agents.flatMap((name) => {
    const ways = reachable(name, free(levers))
    const own = most(held(name))
    const raising = [...ways.keys()].filter((to) => most(held(to)) > own)
    const [first] = raising
    if (first === undefined) return []
    return [{ chain: chainOf(wayTo(first, name, ways), held), more: raising.length - 1 }]
  })
}

function chainOf(way: readonly Step[], held: (agent: string) => ReadonlySet<Class>): Chain {
  const [first] = way
  const [from, to] = [first!.from, way.at(-1)!.to]
  const has = held(from)
  return {
    agents: [from, ...way.map((step) => step.to)],
    through: way.map(({ lever }) => lever.through),
    by: first!.lever.by,
    gains: classes.filter((each) => held(to).has(each) && !has.has(each)),
    raises: most(held(to)) > most(has),
    approvals: [...new Set(way.flatMap(({ lever }) => lever.approvals))].toSorted(),
  }
}

/** How much authority is the most of these. */
function most(held: ReadonlySet<Class>): number {
  return classes.findLastIndex((each) => held.has(each))
}

function free(levers: (agent: string) => readonly Lever[]): typeof levers {
  const known = new Map<readonly Lever[], readonly Lever[]>()
  return (agent) => {
    const all = levers(agent)
    const some = known.get(all) ?? all.filter(({ approvals }) => approvals.length === 0)
    known.set(all, some)
    return some
  }
}

/** Every agent that can be reached, with the last step of the shortest way to it. */
function reachable(from: string, levers: (agent: string) => readonly Lever[]): Map<string, Step | undefined> {
  const ways = new Map<string, Step | undefined>([[from, undefined]])
  // What several have alike is gone through once: behind it lies nothing new for the next.
  const gone = new Set<unknown>()
  for (const agent of ways.keys()) {
    const mine = levers(agent)
    if (gone.has(mine)) continue
    gone.add(mine)
    for (const lever of mine)
      for (const become of lever.become) {
        if (gone.has(become)) continue
        gone.add(become)
        for (const to of become) if (!ways.has(to)) ways.set(to, { from: agent, to, lever })
      }
  }
  ways.delete(from)
  return ways
}

function wayTo(to: string, from: string, ways: ReadonlyMap<string, Step | undefined>): Step[] {
  const way: Step[] = []
  for (let at = to; at !== from; at = way[0]!.from) way.unshift(ways.get(at)!)
  return way
}
