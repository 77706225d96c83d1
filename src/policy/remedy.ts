/** What the engine advises, as a sentence: every other remedy is one. `otherwise` where it advises nothing. */
export function remedyFrom(help: string | null | undefined, otherwise: string): string {
  if (help === null || help === undefined) return otherwise
  const capitalised = help.charAt(0).toUpperCase() + help.slice(1)
  return /[.!?]$/.test(capitalised) ? capitalised : `${capitalised}.`
}
