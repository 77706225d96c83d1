/** The provider contract (`src/provider/contract.ts`) as tests. Every provider runs them against its strict local counterpart. */
import { describe } from 'vitest'
import { detailContract } from './provider-detail.ts'
import { failureContract } from './provider-failure.ts'
import { mintContract } from './provider-mint.ts'
import { probeContract } from './provider-probe.ts'
import { revokeContract } from './provider-revoke.ts'
import { strangersContract } from './provider-strangers.ts'
import { proxyContract } from './provider-proxy.ts'
import type { Subject } from './provider-subject.ts'
import { weatherContract } from './provider-weather.ts'
import { tried } from './provider-trial.ts'

export function providerContract<Config, Detail>(
  name: string,
  setup: () => Promise<Subject<Config, Detail>>,
): void {
  describe(`the provider ${name}`, () => {
    const trial = tried(setup)
    detailContract(trial)
    mintContract(trial)
    revokeContract(trial)
    probeContract(trial)
    failureContract(trial)
    strangersContract(trial)
    weatherContract(trial)
    proxyContract(trial)
  })
}
