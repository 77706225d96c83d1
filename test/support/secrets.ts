/** Looking for what must not be found. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The forms in which a secret could lie about. A long one counts as found when a good part of it is. */
function forms(secret: string): string[] {
  const parts = secret.length > 200 ? [secret.slice(0, 60), secret.slice(-60)] : [secret]
  return parts.flatMap((part) => [
    part,
    encodeURIComponent(part),
    Buffer.from(part).toString('hex'),
    // Whatever stands before it, one of three alignments is in the middle of its base64.
    ...[0, 1, 2].map((skip) => Buffer.from(part.slice(skip)).toString('base64').slice(0, 40)),
  ])
}

/**
 * A JWT, whoever it is of: its header, up to the dot. The header's first letters alone, `eyJ`, come by chance in
 * one of some hundred sealed cookies.
 */
export const aJwt = /eyJ[\w-]{8,}\./

/** Those of `secrets` that `haystack` holds in any form. */
export function found(haystack: string | Buffer, secrets: Iterable<string>): string[] {
  const bytes = typeof haystack === 'string' ? Buffer.from(haystack) : haystack
  return [...secrets].filter((secret) => forms(secret).some((form) => bytes.includes(form)))
}

/** Every byte of the database: the file itself, its log and whatever else stands beside it, by name. */
export async function databaseFiles(directory: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(directory)).filter((name) => name.startsWith('mayfly.db'))
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)),
  )
}
