/** The files that a configuration names. */
import { located } from './files.ts'
import { readSettings } from './read.ts'
import { secretReader } from './secrets.ts'

/** Those of a configuration that can be read: with its secrets, and the directories with its agents and policies. */
export function namedFiles(file: string): { secrets: string[]; rules: string[] } {
  const secrets = secretReader({ file, env: {} })
  const settings = readSettings({ file, faults: [] })
  const directories = [settings?.agents, settings?.policies].filter((path) => path !== undefined)
  return { secrets: secrets.files(settings), rules: directories.map((path) => located(file, path)) }
}
