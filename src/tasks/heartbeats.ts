/**
 * When workloads were heard last (docs/decisions/0049). It is in memory, and in the store only as
 * often as it takes for nobody to be taken for silent who is not.
 */
import type { AuditEvent } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Unit } from '../base/unit.ts'
import type { StoredTask, Task, TaskStore } from './task.ts'

/** Tasks of which it is remembered before those are forgotten whose end was not seen here, and that have been silent for long. */
const rememberedTasks = 10_000

/** Milliseconds of silence after which a task with this heartbeat, in seconds, is over: half as long again. */
export function silenceMs(heartbeat: number): number {
  return heartbeat * 1500
}

interface Context {
  unit: Unit
  tasks: Pick<TaskStore, 'hear'>
  clock: Clock
  log: Log
}

export class Heartbeats {
  readonly #context: Context
  /** By task, milliseconds since 1970. */
  readonly #heard = new Map<string, number>()
  #since: number

  constructor(context: Context) {
    this.#context = context
    this.#since = context.clock.now()
  }

  /** Whoever was not heard before now may not have been able to: nobody listened. */
  begin(): void {
    this.#since = this.#context.clock.now()
  }

  /** The workload of the task has shown that it is there. */
  hear(task: StoredTask): void {
    if ('damaged' in task || task.heartbeat === undefined || task.status !== 'active') return
    const now = this.#context.clock.now()
    this.#heard.set(task.id, now)
    if (this.#heard.size > rememberedTasks) this.#forget(now)
    // Half of the silence that is allowed is left: another broker on the same store, or the next one, goes by that.
    if ((task.silentAt ?? 0) - now < silenceMs(task.heartbeat) / 2) this.#keep(task, now)
  }

  /** To be called with what a commit has recorded: a task that is over is heard no more. */
  committed(events: readonly AuditEvent[]): void {
    for (const { type, task } of events)
      if (type === 'task.ended' && task !== undefined) this.#heard.delete(task)
  }

  /** When it counts as silent by what was heard here. */
  silentAt({ id, heartbeat = 0 }: Pick<Task, 'id' | 'heartbeat'>): number {
    return (this.#heard.get(id) ?? this.#since) + silenceMs(heartbeat)
  }

  /** Not waited for: it shares the commit of others, and what fails is made up for by the next one. */
  #keep({ id, heartbeat = 0 }: Task, now: number): void {
    const { unit, tasks, log } = this.#context
    unit
      .write((tx) => tasks.hear(tx, id, now + silenceMs(heartbeat)))
      .catch((error: unknown) => log.warn({ err: error, task: id }, 'a heartbeat could not be stored'))
  }

  /** A heartbeat is a day at most. */
  #forget(now: number): void {
    for (const [id, at] of this.#heard) if (at < now - 2 * 86_400_000) this.#heard.delete(id)
  }
}
