import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { type Configuration, loadConfiguration } from '../config/load.ts'
import type { Fault } from '../base/fault.ts'
import { FaultyConfiguration } from './failure.ts'

/**
 * The configuration that `file` is, with what does not stop a start; with `review` also what is
 * valid and surely not meant.
 *
 * @throws FaultyConfiguration
 */
export async function readConfiguration(
  file: string,
  options: { review?: boolean } = {},
): Promise<{ configuration: Configuration; warnings: Fault[] }> {
  const { configuration, faults } = await loadConfiguration(file, {
    providers,
    clock: systemClock(),
    env: process.env,
    ...options,
  })
  if (!configuration) throw new FaultyConfiguration(faults)
  return { configuration, warnings: faults }
}
