import { oneLine } from './print.ts'

/** The longest cell: what is longer is cut, and `--json` has all of it. */
const widest = 60

/** Rows under their headings, aligned. Nothing in a cell can break out of its line. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [headings, ...rows].map((row) => row.map(cell))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

function cell(text: string): string {
  const line = oneLine(text) || '-'
  return line.length > widest ? `${line.slice(0, widest - 1)}…` : line
}
