/**
 * The texts by which a claim is compared: a string is its own, numbers and booleans have
 * their JSON text, a list those of its elements. An object and null have none.
 */
export function claimTexts(claim: unknown): string[] {
  return [claim].flat().flatMap((value: unknown) => {
    if (typeof value === 'string') return [value]
    if (typeof value === 'boolean' || (typeof value === 'number' && isExact(value)))
      return [JSON.stringify(value)]
    return []
  })
}

/** An integer beyond 2^53 may have been rounded from another one; `decode` keeps such numbers as text. */
function isExact(value: number): boolean {
  return Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value))
}
