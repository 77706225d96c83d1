/**
 * Who has a PostgreSQL database: brokers side by side, or one process that wants nobody beside
 * it. Each says so with a lock on the connection through which it writes (docs/decisions/0041).
 */
import { setTimeout } from 'node:timers/promises'
import { ownSchema } from './postgres-dialect.ts'
import { type Server, Session } from './postgres-session.ts'
import { obstacleIn } from './postgres-settings.ts'

/** A connection that has just broken may have its lock for a moment yet, and a broker that starts is alone for one. */
const lockTries = 20
const lockPauseMs = 100

/** Numbered by whoever uses such locks: `mayf`, and the schema's own number. */
const lock = `1835104614, ${ownSchema}::oid::int`
const tryAlone = `select pg_try_advisory_lock(${lock}) as taken`
const tryBeside = `select pg_try_advisory_lock_shared(${lock}) as taken`
const admitOthers = `select pg_advisory_lock_shared(${lock}), pg_advisory_unlock(${lock})`

/** A session that has the database, by itself or beside brokers. */
export interface Present {
  session: Session
  isAlone: boolean
}

/**
 * A session beside which nobody has the database. Undefined where somebody has.
 *
 * @throws PostgresFailure; Error for a server that cannot be relied on.
 */
export async function openAlone(server: Server): Promise<Session | undefined> {
  const attempt = async (session: Session) => ((await takes(session, tryAlone)) ? 'alone' : undefined)
  return (await open(server, attempt))?.session
}

/**
 * A session that has the database beside other brokers; by itself until it lets others in
 * (`admit`) where there are none. Undefined where somebody is alone.
 *
 * @throws PostgresFailure; Error for a server that cannot be relied on.
 */
export async function openPresent(server: Server): Promise<Present | undefined> {
  return await open(server, async (session) => {
    if (await takes(session, tryAlone)) return 'alone'
    return (await takes(session, tryBeside)) ? 'beside' : undefined
  })
}

/** The same for one that was here before. */
export async function openBeside(server: Server): Promise<Session | undefined> {
  const attempt = async (session: Session) => ((await takes(session, tryBeside)) ? 'beside' : undefined)
  return (await open(server, attempt))?.session
}

/** Lets others have the database beside this session, which is alone. */
export async function admit(session: Session): Promise<void> {
  await session.script(admitOthers)
}

async function takes(session: Session, attempt: string): Promise<boolean> {
  const [row] = await session.script(attempt)
  return row!['taken'] === true
}

async function open(
  server: Server,
  attempt: (session: Session) => Promise<'alone' | 'beside' | undefined>,
): Promise<Present | undefined> {
  const session = await Session.open(server)
  try {
    const obstacle = await obstacleIn(session)
    if (obstacle !== undefined) throw new Error(obstacle)
    for (let left = lockTries; left > 0; left -= 1) {
      const taken = await attempt(session)
      if (taken) return { session, isAlone: taken === 'alone' }
      await setTimeout(lockPauseMs)
    }
  } catch (error) {
    await session.close()
    throw error
  }
  await session.close()
  return undefined
}
