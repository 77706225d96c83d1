/** What brokers on one PostgreSQL database tell each other at once; whoever misses it finds out within a second. */

export const channel = 'mayfly'

/** Bytes that a notification takes at most (8,000), and some room. */
const longest = 7_500

/** Which tasks wait for approval no longer; undefined where it may be any. */
export interface News {
  by: string
  tasks: readonly string[] | undefined
}

export function told(by: string, tasks?: readonly string[]): string {
  const text = JSON.stringify({ by, tasks })
  return text.length <= longest ? text : JSON.stringify({ by })
}

/** Whoever can use the database may have sent anything: then it may be any task. */
export function heard(payload: string): News {
  try {
    const { by, tasks } = JSON.parse(payload) as Partial<Record<keyof News, unknown>>
    const known = Array.isArray(tasks) && tasks.every((task) => typeof task === 'string')
    return { by: String(by), tasks: known ? tasks : undefined }
  } catch {
    return { by: '', tasks: undefined }
  }
}
