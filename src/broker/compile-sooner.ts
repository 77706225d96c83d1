/** Compiling what is hot sooner than V8 would by itself (docs/decisions/0068). */
import { setFlagsFromString } from 'node:v8'

/** Calls of a function, where V8 waits for 400, 500 and 3000: its own are made for pages that are left after a minute. */
const thresholds = {
  'invocation-count-for-maglev': 50,
  'minimum-invocations-after-ic-update': 100,
  'invocation-count-for-turbofan': 300,
}

/** For a process that serves for days. To be called before it does. One that V8 does not know is named on stderr, and nothing else. */
export function compileSooner(): void {
  for (const [name, calls] of Object.entries(thresholds)) setFlagsFromString(`--${name}=${calls}`)
}
