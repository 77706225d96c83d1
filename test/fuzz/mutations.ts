/** What goes wrong with a request: seeded, so that a run can be repeated. */
import fc from 'fast-check'

export interface Request {
  method: string
  path: string
  headers: Record<string, string>
  body: string | undefined
}

type Mutation = (request: Request) => Request

/** Values that some reader somewhere took for something else. */
const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    '',
    ' ',
    '*',
    '../..',
    '%2e%2e%2f',
    '__proto__',
    'constructor',
    '\u0000',
    'a\r\nX-Injected: 1',
    '\u202e\u2028',
    "' or '1'='1",
    '${env:HOME}',
    '{{7*7}}',
    'x'.repeat(3_000),
    [],
    {},
    [[[[]]]],
    { type: 'github' },
    { $ref: '#' },
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** `at` of 0 to 1 picks one of the value's places; what `change` makes of it stands there afterwards. */
function atPlace(value: unknown, at: number, change: (old: unknown) => unknown): unknown {
  const places: (string | number)[][] = [[]]
  const visit = (node: unknown, path: (string | number)[]) => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      places.push([...path, key])
      visit((node as Record<string, unknown>)[key], [...path, key])
    }
  }
  visit(value, [])
  const replace = (node: unknown, [key, ...rest]: (string | number)[]): unknown => {
    if (key === undefined) return change(node)
    const copy = Array.isArray(node) ? [...node] : { ...(node as object) }
    const put = replace((node as Record<string | number, unknown>)[key], rest)
    Object.defineProperty(copy, key, { value: put, enumerable: true, configurable: true, writable: true })
    return copy
  }
  return replace(value, places[Math.floor(at * places.length)]!)
}

const cut = (text: string, at: number) => Math.floor(at * (text.length + 1))
/** Evenly between 0 and 1; fast-check's numbers prefer the ends. */
const place = fc.noBias(fc.integer({ min: 0, max: 9_999 })).map((part) => part / 10_000)

/** One edit of a text: cut off, something put in, a part doubled, a character changed. */
const edit = fc
  .tuple(
    place,
    place,
    fc.constantFrom('cut', 'insert', 'double', 'flip'),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  .map(([a, b, kind, piece]) => (text: string): string => {
    const [from, to] = [cut(text, a), cut(text, b)].toSorted((x, y) => x - y) as [number, number]
    if (kind === 'cut') return text.slice(0, from) + text.slice(to)
    if (kind === 'insert') return text.slice(0, from) + piece + text.slice(from)
    if (kind === 'double') return text.slice(0, to) + text.slice(from)
    const other = String.fromCharCode((text.charCodeAt(from) || 65) ^ 1)
    return text.slice(0, from) + other + text.slice(from + 1)
  })

const json =
  (change: (value: unknown) => unknown): Mutation =>
  (request) => {
    try {
      return { ...request, body: JSON.stringify(change(JSON.parse(request.body ?? ''))) }
    } catch {
      return request
    }
  }

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(place, odd).map(([at, value]) => json((body) => atPlace(body, at, () => value))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, fc.string({ maxLength: 12 }), odd)
      .map(([at, name, value]) =>
        json((body) =>
          atPlace(body, at, (old) => ({ ...(typeof old === 'object' ? old : { old }), [name]: value })),
        ),
      ),
  },
  {
    weight: 2,
    arbitrary: edit.map((change) => (request: Request) => ({ ...request, body: change(request.body ?? '') })),
  },
  {
    weight: 2,
    arbitrary: edit.map((change) => (request: Request) => ({
      ...request,
      path: `/${change(request.path).slice(1)}`,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(edit, place).map(([change, at]) => (request: Request) => {
      const names = Object.keys(request.headers)
      const name = names[Math.floor(at * names.length)]
      if (name === undefined) return request
      return { ...request, headers: { ...request.headers, [name]: change(request.headers[name]!) } }
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND')
      .map((method) => (request: Request) => ({ ...request, method })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<[string, string]>(
        ['Content-Type', 'text/plain'],
        ['Content-Type', 'application/json; charset=utf-7'],
        ['X-Forwarded-For', '127.0.0.1, ::1'],
        ['X-HTTP-Method-Override', 'DELETE'],
        ['Transfer-Encoding', 'chunked'],
        ['Idempotency-Key', '../../etc'],
        ['Idempotency-Key', 'the same'],
        ['Host', 'elsewhere.example'],
        ['Authorization', 'Bearer'],
        ['Authorization', 'Basic YTpi'],
        ['Content-Encoding', 'gzip'],
        ['Expect', 'the worst'],
      )
      .map(([name, value]) => (request: Request) => ({
        ...request,
        headers: { ...request.headers, [name]: value },
      })),
  },
)

/** What to do to which request: `pick` of 0 to 1 chooses it. Some are left as they are. */
export function plans(count: number, seed: number): { pick: number; mutate: Mutation }[] {
  const plan = fc.record({ pick: place, mutations: fc.array(mutation, { minLength: 0, maxLength: 3 }) })
  return fc.sample(plan, { numRuns: count, seed }).map(({ pick, mutations }) => ({
    pick,
    mutate: (request: Request) => mutations.reduce((changed, each) => each(changed), request),
  }))
}
