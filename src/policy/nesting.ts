/** How deeply the expressions of a policy are nested, without parsing it. */

/**
 * The engine recurses on a stack that it does not guard: a policy nested deeply
 * enough writes past its end and leaves the engine unable to decide anything
 * until the process is started again. So one reload could undo the good policies
 * too. The costs are measured: 122 brackets, 371 operators, 781 conditionals or
 * 3281 conjunctions within each other are the fewest that did it in Cedar 4.13.
 */
const costs = { bracket: 27, operator: 9, conjunction: 1 }

/** A third of what is fatal. */
const limit = 1000

// Strings and comments come first, so that what looks like an operator in them is skipped.
const tokens = /"(?:\\[^]|[^"\\])*"|\/\/[^\n\r]*|[([{]|[)\]}]|&&|\|\||[,;]|[.+*!-]|\bif\b/g

/** The byte at which `text` becomes too deep for the engine, or undefined. */
export function tooDeepAt(text: string): number | undefined {
  // What encloses the current bracket costs `outer`; `chain` is that and its conjunctions so far.
  const enclosing: { outer: number; chain: number; cost: number }[] = []
  let here = { outer: 0, chain: 0, cost: 0 }
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if ('([{'.includes(token)) {
      enclosing.push(here)
      const cost = here.cost + costs.bracket
      here = { outer: cost, chain: cost, cost }
    } else if (')]}'.includes(token)) {
      here = enclosing.pop() ?? here
    } else if (token === '&&' || token === '||') {
      here.chain += costs.conjunction
      here.cost = here.chain
    } else if (token === ',' || token === ';') {
      here.chain = here.cost = here.outer
    } else if (token.length === 1 || token === 'if') {
      here.cost += costs.operator
    }
    if (here.cost > limit) return Buffer.byteLength(text.slice(0, index))
  }
  return undefined
}
