/** States in which a thing can be, and the only ways from one to the next. */

/** Given which states may follow which: the states from which one can be reached. */
export function predecessorsIn<State extends string>(
  successors: Record<State, readonly State[]>,
): (to: State) => State[] {
  const all = Object.keys(successors) as State[]
  return (to) => all.filter((from) => successors[from].includes(to))
}
