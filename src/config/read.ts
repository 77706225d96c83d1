import { limits, readText, Unreadable } from './files.ts'
import { fault, type Reading } from './loading.ts'
import { meant, parse } from './parse.ts'
import { configurationFile, type ConfigurationFile } from './schema.ts'
import { readYaml } from './yaml.ts'

/** Each setting that could be parsed. */
export type Settings = { -readonly [Key in keyof ConfigurationFile]?: ConfigurationFile[Key] }

/** Reads the file and parses its settings one by one; undefined where it cannot be read at all. */
export function readSettings(reading: Pick<Reading, 'file' | 'faults' | 'digest'>): Settings | undefined {
  const { file, faults } = reading
  let text: string
  try {
    text = readText(file, limits.configuration)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    fault(reading, [], `the file ${error.message}`, error.remedy)
    return undefined
  }
  const yaml = readYaml(text, file)
  faults.push(...yaml.faults)
  const written = yaml.value
  if (!written) return undefined
  reading.digest?.addSettings(written)

  const known = Object.keys(configurationFile)
  for (const key of Object.keys(written))
    if (!known.includes(key)) fault(reading, [key], 'is not a known key', meant(key, known))
  const settings = Object.entries(configurationFile).map(([key, schema]) => [
    key,
    parse<unknown>(schema, written[key], { file, at: [key], faults }),
  ])
  return Object.fromEntries(settings) as Settings
}
