import type { Command } from 'commander'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { type Configuration, loadConfiguration } from '../config/load.ts'
import { type Fault, sayFault } from '../base/fault.ts'
import { createFederation } from '../federation/federation.ts'
import { permitted } from '../policy/permitted.ts'
import { createSeal } from '../base/seal.ts'
import { NotRunning, Services } from '../provider/services.ts'
import { createExclusive } from '../base/exclusive.ts'
import { federationKeys, installationId } from '../store/installation.ts'
import type { OpenStore } from '../store/own-store.ts'
import { checkAddress, lookAt, mayRun } from './doctor/address.ts'
import type { Check } from './doctor/check.ts'
import { watchClocks } from './doctor/clock.ts'
import { checkConnections } from './doctor/connections.ts'
import { checkFiles } from './doctor/files.ts'
import { checkIssuers } from './doctor/issuers.ts'
import { checkTargets } from './doctor/notify.ts'
import { checkSeal } from './doctor/seal.ts'
import { checkStore } from './doctor/store.ts'
import { withConfiguration, withJson } from './options.ts'
import { answer } from './print.ts'

export function register(program: Command): void {
  withJson(withConfiguration(program.command('doctor')))
    .summary('check what the broker runs on and depends on')
    .description(
      `Looks at everything around the broker: whether the issuers and upstreams can be
reached and accept it, what they have granted it, the clock, the store, the seal
keys, the files, the address and its certificate. Nothing is changed, and
nothing minted. Works beside a running broker or without one. Run it as the
broker's own user, on its machine.

Each line is ok, a warning or a fault; the exit status is 1 if any is a fault.
With --json the answer is { "ok", "checks" }, each check with "check",
"status", "message" and "remedy".`,
    )
    .action(doctor)
}

async function doctor(options: { config: string; json?: boolean }): Promise<void> {
  const checks = await examine(options.config)
  const ok = checks.every(({ status }) => status !== 'fault')
  const width = Math.max(...checks.map(({ check }) => check.length))
  answer(
    options,
    { ok, checks },
    checks.flatMap(({ check, status, message, remedy }) => [
      `${status.padEnd(7)}  ${check.padEnd(width)}  ${message}`,
      ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}${remedy}`]),
    ]),
  )
  if (!ok) process.exitCode = 1
}

async function examine(file: string): Promise<Check[]> {
  const clock = systemClock()
  const services = new Services()
  const { configuration, faults } = await loadConfiguration(file, {
    providers,
    clock,
    env: process.env,
    services,
  })
  const found = faults.map(asCheck)
  if (!configuration) return found
  if (found.length === 0)
    found.push({
      check: 'configuration',
      status: 'ok',
      message: 'valid, and no secret file is open to others',
    })

  const store = await checkStore(configuration)
  try {
    if (store.opened) await lend(services, configuration, store.opened)
    // Before the clocks are watched: a broker on this machine has the same.
    const look = await lookAt(configuration)
    const clocks = watchClocks()
    const [issuers, connections, targets] = await Promise.all([
      checkIssuers(configuration.issuers),
      checkConnections(configuration.connections, {
        mightPermit: permitted(configuration.policies),
        clock,
        url: configuration.url,
        mayRun: mayRun(look) || store.hasBroker === true,
      }),
      checkTargets(configuration.notify, clock),
    ])
    const times = clocks.compare()
    const seal = await checkSeal(configuration.sealKeys, store.opened)
    const around = [...checkFiles(configuration), ...checkAddress(configuration, look)]
    return [...found, ...store.checks, ...seal, ...issuers, ...connections, ...targets, ...times, ...around]
  } finally {
    await store.opened?.close()
  }
}

/** What a running broker would lend its connections; a federation key is used where there is one, and not made. */
async function lend(
  services: Services,
  { url, sealKeys }: Configuration,
  { unit }: OpenStore,
): Promise<void> {
  const installation = await unit.read(installationId)
  const federation = createFederation({
    unit,
    federationKeys,
    seal: createSeal(sealKeys),
    clock: systemClock(),
  })
  services.attach({
    installation: () => installation,
    async sign(audience) {
      if (!(await unit.read((tx) => federationKeys.current(tx)))) throw new NotRunning()
      return await federation.sign(url, audience)
    },
    exclusive: createExclusive(),
  })
}

function asCheck(fault: Fault): Check {
  return {
    check: 'configuration',
    status: fault.warning ? 'warning' : 'fault',
    message: sayFault(fault),
    remedy: fault.remedy,
  }
}
