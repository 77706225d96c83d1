/** RFC 6750 §2.1, generously: what fits into the header on one line. */
const shape = /^[\x21-\x7e]+$/

/**
 * The `Authorization` header for a token.
 *
 * @throws TypeError without the token in it: `fetch` would refuse a line break
 *   with a message that quotes the whole header.
 */
export function bearer(token: string, scheme: 'Bearer' | 'bearer' = 'Bearer'): string {
  if (!shape.test(token)) throw new TypeError('a token is one line of printable ASCII without spaces')
  return `${scheme} ${token}`
}
