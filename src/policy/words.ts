/**
 * The caller's own words in policies (invariant I11): they may make a `forbid`
 * apply, and never keep it from applying. Another word, or none, is as much the
 * caller's to choose, so whatever a word may lift is forbidden to nobody (docs/decisions/0018).
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import { attributeOf, contextReads, isNode, operationOf } from './reads.ts'

/** The attributes of `context` that the caller fills. */
const callersWords = ['purpose', 'request']

/** What is wrong with how `policy` reads the caller's words. */
export function* wordBreaches(policy: PolicyJson): Generator<Pick<Fault, 'message' | 'remedy'>> {
  const read = new Set(contextReads(policy.conditions).attributes)
  if (policy.effect === 'permit') {
    for (const word of callersWords) {
      if (!read.has(word)) continue
      yield {
        message: `a permit reads context.${word}, which the caller chooses`,
        remedy: `Forbid what context.${word} rules out instead.`,
      }
    }
    return
  }
  for (const { kind, body } of policy.conditions) {
    if (!readsWords(body) || (kind === 'when' && onlyForbids(body))) continue
    yield {
      message: `the forbid can be lifted by ${wordsIn(body)}, which the caller chooses`,
      remedy:
        'Let it only add to what is forbidden: in a `when`, as context.purpose like "*x*" or context.request.hasTag("k") && context.request.getTag("k") == "v", joined with && and || alone. What may lift a forbid is a claim of the token, or an approval.',
    }
  }
}

/**
 * Whether more words can only make `expression` true. It is decided by shape: what
 * is not known to be so is not, also where it would come to the same.
 */
function onlyForbids(expression: unknown): boolean {
  if (!readsWords(expression)) return true
  const operation = operationOf(expression)
  if (!operation) return false
  const { left, right } = operation.operands
  switch (operation.operator) {
    case '&&':
    case '||':
      return onlyForbids(left) && onlyForbids(right)
    case '==':
      return (isWord(left) && !readsWords(right)) || (isWord(right) && !readsWords(left))
    case 'contains':
      return !readsWords(left) && isWord(right)
    case 'like':
      return isWord(left)
    case 'hasTag':
      return attributeOf(left) === 'request' && !readsWords(right)
    default:
      return false
  }
}

/** One text of the caller's. The engine accepts a `getTag` only behind its `hasTag`, and so never where nothing was said. */
function isWord(expression: unknown): boolean {
  if (attributeOf(expression) === 'purpose') return true
  const tag = isNode(expression) ? expression['getTag'] : undefined
  return isNode(tag) && attributeOf(tag['left']) === 'request' && !readsWords(tag['right'])
}

function readsWords(expression: unknown): boolean {
  return wordsIn(expression) !== ''
}

/** `context.purpose and context.request` */
function wordsIn(expression: unknown): string {
  const { attributes } = contextReads(expression)
  return callersWords
    .filter((word) => attributes.includes(word))
    .map((word) => `context.${word}`)
    .join(' and ')
}
