/** Paths of Vault's policies: `+` is any one segment, a closing `*` any rest, `{{…}}` whoever asks ("Policy syntax"). */

/**
 * Whether some path fits both the pattern of a rule and `target`, in which `+` is
 * one segment and `**` one or more.
 */
export function meet(rule: string, target: string): boolean {
  return together(segmentsOf(rule), target.split('/'))
}

/** Whether every path that fits `inner`, a rule's pattern or a target, fits the rule too. */
export function covers(rule: string, inner: string): boolean {
  const open = segmentsOf(rule).map((segment) => (segment === '+' ? '[^/]+' : literally(segment)))
  const whole = new RegExp(`^${open.join('/').replace(/\\\*$/, '.*')}$`, 's')
  return examples(inner).every((path) => whole.test(path))
}

function segmentsOf(pattern: string): string[] {
  return pattern
    .replace(/^\//, '')
    .split('/')
    .map((segment) => (segment.includes('{{') ? '+' : segment))
}

function together([first, ...rest]: string[], target: string[]): boolean {
  const [next, ...others] = target
  if (first === undefined || next === undefined) return first === next
  // What it stands for goes on through all that follows.
  if (first.endsWith('*') && rest.length === 0)
    return next === '+' || next === '**' || next.startsWith(first.slice(0, -1))
  if (next === '**') return together(rest, others) || together(rest, target)
  return (first === '+' || next === '+' || first === next) && together(rest, others)
}

/** What no policy names: it fits only where anything does. */
const anything = '\u0001'

/** Paths of which a rule fits all or leaves some out: it has so many segments, or takes any rest. */
function examples(pattern: string): string[] {
  const segments = segmentsOf(pattern).map((segment) => (segment === '+' ? anything : segment))
  return [anything, `${anything}/${anything}`].map((rest) => segments.join('/').replaceAll(/\*+/g, rest))
}

function literally(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
}
