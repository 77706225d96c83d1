/** Files that a command makes. */
import { lstat, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from './failure.ts'

/** Text and mode by path, into a directory, which is made if need be. @throws Failure where one of them is there already. */
export async function writeNew(
  directory: string,
  files: Readonly<Record<string, { text: string; mode?: number }>>,
): Promise<void> {
  // All or nothing: half of a configuration beside half of another would be neither.
  const present = (await Promise.all(Object.keys(files).map((path) => there(join(directory, path))))).flat()
  if (present.length > 0)
    throw new Failure(
      'failed',
      `${present.join(', ')} exist${present.length === 1 ? 's' : ''} already; nothing was written`,
      'Choose another directory, or move them away.',
    )
  for (const [path, { text, mode = 0o644 }] of Object.entries(files)) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: 'wx', mode })
  }
}

async function there(path: string): Promise<string[]> {
  return await lstat(path).then(
    () => [path],
    () => [],
  )
}

/** When what a command writes is to be reviewed: half a year from now, `YYYY-MM-DD`. */
export function reviewDate(): string {
  const date = new Date()
  date.setUTCMonth(date.getUTCMonth() + 6)
  return date.toISOString().slice(0, 10)
}
