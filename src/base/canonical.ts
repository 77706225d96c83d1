/** JSON of which there is one text for each value (RFC 8785): for what is signed, hashed or compared (docs/decisions/0065). */

/**
 * As `JSON.stringify` writes it, the members of objects in order of their names' UTF-16 code units.
 *
 * @throws TypeError for what has no such text: a number that is not finite, a lone surrogate, nothing at all.
 */
export function canonicalize(value: unknown): string {
  switch (typeof value) {
    case 'string':
      if (plain.test(value)) return `"${value}"`
      if (!value.isWellFormed()) throw new TypeError('a lone surrogate has no canonical JSON')
      return JSON.stringify(value)
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical JSON`)
      // ECMA-262's own form is the one that is asked for; of -0 it is 0.
      return String(value)
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return ofArray(value)
      return 'toJSON' in value && typeof value.toJSON === 'function'
        ? canonicalize((value.toJSON as () => unknown)())
        : ofObject(value as Record<string, unknown>)
    default:
      throw new TypeError(`${typeof value} has no canonical JSON`)
  }
}

/** What stands in JSON as it is: most texts do, and are written sooner without being looked through by `JSON.stringify`. */
const plain = /^[ !#-[\]-~]*$/

function ofArray(values: readonly unknown[]): string {
  let text = ''
  for (const value of values) text += `${text && ','}${canonicalize(value === undefined ? null : value)}`
  return `[${text}]`
}

function ofObject(object: Readonly<Record<string, unknown>>): string {
  let text = ''
  // Without a comparison, strings are compared by code units.
  for (const name of Object.keys(object).sort()) {
    const value = object[name]
    if (value !== undefined) text += `${text && ','}${canonicalize(name)}:${canonicalize(value)}`
  }
  return `{${text}}`
}
