/** Secrets stand outside the configuration, in files and environment variables. */
import { secretRef, type SecretRef } from '../provider/secret-ref.ts'
import type { Fault } from '../base/fault.ts'
import { opennessOf } from './file-modes.ts'
import { limits, located, readText, Unreadable } from './files.ts'
import { dotted, type Path } from './parse.ts'

export interface Secrets {
  /** Without a trailing newline. Read afresh each time, so that a rotated file counts. @throws Unreadable */
  read(ref: SecretRef): string
  /** Reads every secret that `data`, standing at `at`, refers to, and says what is wrong. */
  check(data: unknown, at: Path): Fault[]
  /** The files that `data` refers to as secrets. */
  files(data: unknown): string[]
}

export function secretReader(given: { file: string; env: Record<string, string | undefined> }): Secrets {
  const { file, env } = given
  const locate = (path: string) => located(file, path)

  function read(ref: SecretRef): string {
    const text = 'file' in ref ? readText(locate(ref.file), limits.secret) : (env[ref.env] ?? '')
    const secret = text.replace(/\r?\n$/, '')
    if (secret !== '') return secret
    throw 'file' in ref
      ? new Unreadable('is empty', 'Write the secret into it.')
      : new Unreadable(`${variable(ref.env)} is not set`, 'Set it, or correct the name.')
  }

  function* refsIn(data: unknown, at: Path): Generator<{ ref: SecretRef; at: Path }> {
    if (typeof data !== 'object' || data === null) return
    const ref = secretRef.safeParse(data)
    if (ref.success) return yield { ref: ref.data, at }
    for (const [key, value] of Object.entries(data))
      yield* refsIn(value, [...at, Array.isArray(data) ? Number(key) : key])
  }

  function* faultsOf(ref: SecretRef, path: string): Generator<Fault> {
    try {
      read(ref)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      const message = 'file' in ref ? `the file ${error.message}` : error.message
      yield { file, path, message, remedy: error.remedy }
      return
    }
    if (!('file' in ref)) return
    const open = opennessOf(locate(ref.file))
    if (open)
      yield { file, path, message: `${locate(ref.file)} ${open.message}`, remedy: open.remedy, warning: true }
  }

  return {
    read,
    check: (data, start) => [...refsIn(data, start)].flatMap(({ ref, at }) => [...faultsOf(ref, dotted(at))]),
    files: (data) => [...refsIn(data, [])].flatMap(({ ref }) => ('file' in ref ? [locate(ref.file)] : [])),
  }
}

/** Undefined for a secret whose fault is reported already. */
export function readIfThere(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

/** By name if it is one for sure: what was pasted there by mistake may be the secret itself. */
function variable(name: string): string {
  return /^[A-Z][A-Z0-9_]*$/.test(name) ? `the environment variable ${name}` : 'the environment variable'
}
