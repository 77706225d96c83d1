/** Rows under their headings: aligned where a line has room for them, else each with its headings beside it. */
import { styleText } from 'node:util'
import { oneLine } from './print.ts'

/** The longest cell where nobody's screen is known: what is longer is cut, and `--json` has all of it. */
const widest = 60

/** As wide as a column has to be that is cut. */
const narrowest = 12

const gap = 2

/** How many columns the screen has; undefined where there is none and nothing has to fit. */
export function screenWidth(
  { isTTY, columns }: { isTTY?: boolean; columns?: number } = process.stdout,
  env: Record<string, string | undefined> = process.env,
): number | undefined {
  const said = /^[1-9]\d{0,3}$/.test(env['COLUMNS'] ?? '') ? Number(env['COLUMNS']) : undefined
  return isTTY ? columns || said || 80 : said
}

/** Nothing in a cell can break out of its line. For a pipe (`width` undefined) ids stay as they are. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width = screenWidth(),
): string[] {
  const cells = rows.map((row) => row.map((text) => oneLine(text) || '-'))
  if (width === undefined) return aligned(headings, cells, () => widest)
  const whole = fitting(headings, cells, width)
  if (whole) return aligned(headings, cells, (column) => whole[column]!)
  const short = shortened(cells)
  const cut = fitting(headings, short, width) ?? squeezed(headings, short, width)
  return cut ? aligned(headings, short, (column) => cut[column]!) : blocks(headings, cells, width)
}

function aligned(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  most: (column: number) => number,
): string[] {
  const cells = [headings, ...rows].map((row) => row.map((text, column) => cut(text, most(column))))
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)))
  return cells.map((row, index) =>
    row
      .map((text, column) => {
        const room = column === row.length - 1 ? '' : ' '.repeat(widths[column]! - text.length + gap)
        return (index === 0 ? bold(text) : tinted(headings[column]!, text)) + room
      })
      .join('')
      .trimEnd(),
  )
}

/** The columns' widths as they are, if a line has room for all. */
function fitting(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] | undefined {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]!.length)),
  )
  return lineOf(widths) <= width ? widths : undefined
}

/** The same with the widest cut, as long as something of each is left. */
function squeezed(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
): number[] | undefined {
  const widths = fitting(headings, rows, Infinity)!
  while (lineOf(widths) > width) {
    const most = Math.max(...widths)
    if (most <= narrowest) return undefined
    widths[widths.indexOf(most)] = most - 1
  }
  return widths
}

const lineOf = (widths: readonly number[]) =>
  widths.reduce((sum, each) => sum + each, gap * (widths.length - 1))

/** A row after the other, each cell on lines of its own, and nothing cut. */
function blocks(headings: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const margin = Math.max(...headings.map(({ length }) => length)) + gap
  return rows.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...row.flatMap((text, column) => {
      const heading = headings[column]!
      if (text === '-') return []
      const [first = '', ...rest] = wrapped(text, Math.max(width - margin, narrowest))
      const lines = [bold(heading) + ' '.repeat(margin - heading.length) + tinted(heading, first)]
      return [...lines, ...rest.map((more) => ' '.repeat(margin) + more)]
    }),
  ])
}

/** In lines no longer than `width`, at spaces where there are any. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > width) {
    const at = rest.lastIndexOf(' ', width)
    const end = at > 0 ? at : width
    lines.push(rest.slice(0, end))
    rest = rest.slice(end).trimStart()
  }
  return [...lines, rest]
}

const id = /^(?<kind>[a-z]+_)(?<hex>[0-9a-f]{32})$/
const moment = /^(?<minute>\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d\.\d{3}Z$/

/** Ids by as much of their beginning as tells all that are shown apart; times to the minute. */
function shortened(rows: readonly (readonly string[])[]): string[][] {
  const ids = [...new Set(rows.flat().filter((text) => id.test(text)))]
  let length = 8
  while (new Set(ids.map((text) => briefly(text, length))).size < ids.length) length += 1
  return rows.map((row) => row.map((text) => briefly(text, length).replace(moment, '$<minute>Z')))
}

function briefly(text: string, length: number): string {
  const { kind, hex } = id.exec(text)?.groups ?? {}
  return kind === undefined || hex === undefined ? text : kind + hex.slice(0, length)
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

const tints = {
  active: 'green',
  granted: 'green',
  pending: 'yellow',
  pending_approval: 'yellow',
  revoking: 'yellow',
  standing: 'yellow',
  suspended: 'red',
  denied: 'red',
  irrevocable: 'red',
} as const

/** Where there is a terminal that has colours, and no NO_COLOR. */
const coloured = () => process.stdout.isTTY && process.stdout.hasColors()

const bold = (text: string) => (coloured() ? styleText('bold', text, { validateStream: false }) : text)

function tinted(heading: string, text: string): string {
  const known = coloured() && heading === 'STATUS' && Object.hasOwn(tints, text)
  return known ? styleText(tints[text as keyof typeof tints], text, { validateStream: false }) : text
}
