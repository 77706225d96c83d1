/** What a run's tools hold is renewed before upstream ends it: a short form of `test/real/run-tools.test.ts`. */
import { expect, test } from 'vitest'
import { longRun, overlaps, standIn } from '../support/long-run.ts'

test(
  'a run that outlives every credential has no call fail, at most two of one scope alive, and none afterwards',
  { timeout: 120_000 },
  async () => {
    const { broker, work } = await longRun(8)
    const { ledger, github } = broker.sandbox
    const done = await work(20, {
      git: ['git', 'ls-remote', `${github.url}/acme/web.git`],
      gh: standIn('gh'),
      vault: standIn('vault'),
    })
    for (const { well, failures } of Object.values(done)) {
      expect(failures).toEqual([])
      expect(well).toBeGreaterThan(5)
    }

    expect(ledger.alive()).toEqual([])
    for (const provider of ['github', 'aws', 'vault']) {
      const ofOne = ledger.entries.filter((entry) => entry.provider === provider)
      expect(ofOne.length).toBeGreaterThan(2)
      for (const overlap of overlaps(ofOne)) {
        expect(overlap).toBeGreaterThan(0)
        expect(overlap).toBeLessThanOrEqual(5_000)
      }
    }
  },
)
