import { evidenceOf } from '../../src/provider/answers.ts'
import type { Evidence, Handle } from '../../src/provider/upstream.ts'
import { look } from './look.ts'
import { newcomer } from './token.ts'
import type { Github } from './upstream.ts'

/** Tries the token. One that is refused is dead, unless it may be too new to be known. */
export async function probe(handle: Handle, github: Github, signal: AbortSignal): Promise<Evidence> {
  const { clock, doubt } = github
  const asked = 'GET /installation/repositories'
  const found = (result: Evidence['result'], what: string) => ({ result, method: `${asked} ${what}` })
  const tried = async () => {
    const { shows, status } = await look(handle, github, signal)
    const answered = `answered ${status}`
    if (shows === 'works') return found('live', answered)
    if (shows === 'untold') return found('unknown', answered)
    if (doubt.about(newcomer(handle))) return found('unknown', `${answered}, as it does to new tokens`)
    return found('dead', answered)
  }
  return await evidenceOf(clock, tried, `${asked} was not answered`)
}
