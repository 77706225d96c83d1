/** What three upstreams can be brought to say that is not so. */
import type { Fault, Faults, RequestLine } from '../../src/sandbox/faults.ts'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import * as aws from '../support/aws-sandbox.ts'
import * as github from '../support/github.ts'
import * as vault from '../support/vault.ts'
import type { Chance } from './chance.ts'

type Which = (request: RequestLine) => boolean

/** One upstream, and which of its requests mint, end, and show what became of a credential. */
interface Liar {
  faults: Faults
  mints: Which
  ends: Which
  shows: Which
}

const liars = (sandbox: Sandbox): Liar[] => [
  { faults: sandbox.github.faults, mints: github.mints, ends: github.revokes, shows: github.probes },
  // All that IAM does is one address.
  { faults: sandbox.aws.faults, mints: aws.mints, ends: aws.revokes, shows: aws.revokes },
  {
    faults: sandbox.vault.faults,
    mints: vault.mints,
    ends: (request) => vault.revokes(request) || vault.endsLease(request),
    shows: (request) => vault.looksUp(request) || vault.looksUpLease(request),
  },
]

/**
 * Lies until it is cleared. Who in one weather only says that it ends a credential does
 * not in the same give one the answer that another was given: of a death that upstream
 * claims twice, in its own words, nobody could tell that it never was.
 */
export function badWeather(sandbox: Sandbox, chance: Chance): void {
  clearWeather(sandbox)
  const mixesUp = chance.happens(0.3)
  // To a node that is behind, ending what it has not heard of is nothing: that is such a claim too.
  if (!mixesUp) lag(sandbox, chance)
  for (const { faults, mints, ends, shows } of liars(sandbox)) {
    const sometimes = (probability: number, on: Which, fault: Fault) =>
      void faults.add({ ...fault, on: (request) => on(request) && chance.happens(probability) })
    const any = () => true
    sometimes(0.03, any, { kind: 'stranger', status: 401 })
    sometimes(0.03, any, { kind: 'stranger', status: 403 })
    sometimes(0.02, any, { kind: 'stranger', status: 404, body: { message: 'no such page' } })
    sometimes(0.01, any, { kind: 'stranger', status: 200 })
    sometimes(0.01, any, { kind: 'status', status: 503 })
    sometimes(0.01, any, { kind: 'reset' })
    sometimes(0.02, any, { kind: 'reset-after-processing' })
    if (mixesUp)
      sometimes(0.1, (request) => mints(request) || ends(request) || shows(request), { kind: 'anothers' })
    else sometimes(0.4, ends, { kind: 'pretend' })
  }
}

/** New credentials that are not known yet, ended ones that work on, and reads of what was so a moment ago. */
function lag(
  { github: { settings }, aws: { settings: ofAws }, vault: { settings: ofVault } }: Sandbox,
  chance: Chance,
) {
  const upTo = (ms: number) => (chance.happens(0.5) ? Math.floor(chance.draw() * ms) : 0)
  settings.replicationDelay = upTo(3_000)
  settings.replicationRefusal = chance.pick([401, 403])
  settings.revocationDelay = upTo(2_000)
  ofAws.staleReads = upTo(800)
  ofAws.propagation = upTo(propagationMs)
  ofVault.standby = { lag: upTo(500), answers: chance.pick([403, 412]), tellsIndex: chance.happens(0.5) }
}

/** The longest that a deny of AWS's takes to be in force. */
export const propagationMs = 5_000

/** Everybody says what is so, at once. */
export function clearWeather({ github: { faults, settings }, aws: ofAws, vault: ofVault }: Sandbox): void {
  for (const each of [faults, ofAws.faults, ofVault.faults]) each.clear()
  Object.assign(settings, { replicationDelay: 0, revocationDelay: 0 })
  Object.assign(ofAws.settings, { staleReads: 0, propagation: 0 })
  ofVault.settings.standby = { lag: 0, answers: 412, tellsIndex: false }
}
