/**
 * What is asked, where a request's context holds it as patterns. A name in them
 * says little: `s3:delete*` asks for `s3:deletebucket` as well, and a request that
 * narrows nothing asks for everything. So policies may only hold them against all
 * that is allowed: whatever asks for more must never fare better.
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import { attributeOf, attributesTaken, operationOf } from './reads.ts'

/** Attributes of `context` that hold patterns, each with a set of such as a policy writes it. */
export type Patterns = Readonly<Record<string, string>>

/** What is wrong with how `policy` reads patterns. */
export function* patternBreaches(
  { effect, conditions }: PolicyJson,
  patterns: Patterns,
): Generator<Pick<Fault, 'message' | 'remedy'>> {
  // What permits, and what lifts a forbid, may become false where more is asked for, and never true.
  const clause = effect === 'permit' ? 'when' : 'unless'
  const all = Object.keys(patterns)
  for (const { kind, body } of conditions) {
    if (turns(body, kind === clause ? 'false' : 'true', takesAny(all))) continue
    for (const attribute of all.filter((each) => takesAny([each])(body))) {
      yield {
        message: `a wider request goes around this ${effect}: context.${attribute} holds patterns, which stand for more than their names`,
        remedy: `Hold it against all that is allowed: ${clause} { ${patterns[attribute]!}.containsAll(context.${attribute}) }`,
      }
    }
  }
}

type Reads = (expression: unknown) => boolean

/**
 * Whether asking for more can only turn `expression` to this value. It is decided
 * by shape: what is not known to be so is not, also where it would come to the same.
 */
function turns(expression: unknown, to: 'true' | 'false', reads: Reads): boolean {
  if (!reads(expression)) return true
  const operation = operationOf(expression)
  if (!operation) return false
  const { operator, operands } = operation
  const { left, right } = operands
  switch (operator) {
    case '&&':
    case '||':
      return turns(left, to, reads) && turns(right, to, reads)
    case '!':
      return turns(operands['arg'], to === 'true' ? 'false' : 'true', reads)
    case 'if-then-else':
      return (
        !reads(operands['if']) && turns(operands['then'], to, reads) && turns(operands['else'], to, reads)
      )
    case 'containsAll':
      return to === 'false' && !reads(left) && attributeOf(right) !== undefined
    default:
      return false
  }
}

/** Whether there is such an attribute, as `has` asks, depends on the action alone. */
function takesAny(attributes: readonly string[]): Reads {
  return (expression) => attributesTaken(expression).some((attribute) => attributes.includes(attribute))
}
