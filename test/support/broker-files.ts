/** The configuration of a running broker, edited as an operator does, and put back. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Answer, TestBroker } from './broker.ts'

// oxlint-disable-next-line no-explicit-any -- what a test changes in it fails the test where it is not there
type Settings = Record<string, any>

export interface Files {
  write(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  /** Changes `mayfly.yaml`, starting from what it was at first. */
  configure(change: (settings: Settings) => void): Promise<void>
  /** Everything as it was at first. */
  restore(): Promise<void>
  /** As the admin, over HTTP. */
  reload(): Promise<Answer>
}

/** `names`: the files besides `mayfly.yaml` that the test may change. */
export async function filesOf(broker: TestBroker, ...names: string[]): Promise<Files> {
  const path = (name: string) => join(broker.directory, name)
  const original = new Map<string, string>()
  for (const name of ['mayfly.yaml', ...names]) original.set(name, await readFile(path(name), 'utf8'))
  const added = new Set<string>()
  const write = async (name: string, text: string) => {
    if (!original.has(name)) added.add(name)
    await writeFile(path(name), text, { mode: 0o600 })
  }
  return {
    write,
    remove: (name) => rm(path(name)),
    async configure(change) {
      const settings = parse(original.get('mayfly.yaml')!) as Settings
      change(settings)
      await write('mayfly.yaml', stringify(settings))
    },
    async restore() {
      for (const [name, text] of original) await write(name, text)
      for (const name of added) await rm(path(name), { force: true })
    },
    reload: async () => broker.call('POST', '/v1/admin/reload', { token: await broker.admin() }),
  }
}
