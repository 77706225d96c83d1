import { timingSafeEqual } from 'node:crypto'

/** Whether `given` is the secret that is `wanted`. How long it takes tells nothing of where they differ, only whether their lengths do. */
export function isSameSecret(given: string | undefined, wanted: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)]
  return a.length === b.length && timingSafeEqual(a, b)
}
