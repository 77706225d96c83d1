import { existsSync } from 'node:fs'
import type { Configuration } from '../../config/load.ts'
import { createSeal } from '../../base/seal.ts'
import { placeOf } from '../../store/address.ts'
import { obstacleTo } from '../../store/obstacle.ts'
import { NoTables } from '../../store/migrations.ts'
import { openStoreReadOnly } from '../../store/open.ts'
import type { OpenStore } from '../../store/own-store.ts'
import type { Discrepancy } from '../../audit/verify.ts'
import type { Tx } from '../../base/unit.ts'
import { hasBroker } from '../../store/has-broker.ts'
import { type Outside, outsideFault, readLastHead } from '../../store/last-head.ts'
import { isWithoutItsLog, plainCopyFault } from '../../store/plain-copy.ts'
import { otherKeyThan } from '../../store/other-key.ts'
import { quickFaults } from '../../store/tables.ts'
import type { Check } from './check.ts'

/** The store as it can be looked into beside a running broker; undefined where there is none to look into. */
export async function checkStore({ file, store, sealKeys, audit }: Configuration): Promise<{
  checks: Check[]
  opened?: OpenStore
  /** Whether it says that a broker has it: one that runs, or was killed. */
  hasBroker?: boolean
}> {
  const check = 'store'
  const where = placeOf(store)
  const obstacle = await obstacleTo(store)
  if (obstacle !== undefined) {
    const remedy =
      store.kind === 'sqlite'
        ? `Run this as the user that runs the broker; if it is, let it write there, or correct \`store\` in ${file}.`
        : `Correct \`store\` in ${file}, or the server.`
    return { checks: [{ check, status: 'fault', message: obstacle, remedy }] }
  }
  // Before it is opened: a broker that runs writes on.
  const outside = readLastHead(audit.lastHead)
  if (store.kind === 'sqlite' && !existsSync(store.path))
    return { checks: [notBegun(`${store.path} will be made by the first start`, where, outside)] }
  const torn = store.kind === 'sqlite' && isWithoutItsLog(store.path)
  try {
    const opened = await openStoreReadOnly(store, createSeal(sealKeys))
    const { faults, other, isHad } = await opened.unit
      .read(async (tx) => ({
        isHad: await hasBroker(tx),
        faults: await faultsOf(tx, { outside, torn }),
        other: await otherKeyThan(tx),
      }))
      .catch(async (error) => {
        await opened.close()
        throw error
      })
    const remedy = other?.remedy ?? unsound
    const checks = faults.map(({ message }): Check => ({ check, status: 'fault', message, remedy }))
    const fine: Check = { check, status: 'ok', message: `${where} is of this version, and writable` }
    return { checks: checks.length > 0 ? checks : [fine], opened, hasBroker: isHad }
  } catch (error) {
    // A file without tables may be a copy that lacks them; a database may not be used yet.
    if (error instanceof NoTables && store.kind === 'postgres') {
      const begins = `no broker has run on ${where}: the first start makes its tables`
      return { checks: [notBegun(begins, where, outside)] }
    }
    const message = error instanceof Error ? error.message : 'it cannot be opened'
    return { checks: [{ check, status: 'fault', message, remedy: `Check \`store\` in ${file}.` }] }
  }
}

/** Whether there may have been a store, whose head is still kept: a broker grants nothing from one that is made in its place. */
function notBegun(begins: string, where: string, { known, path, fault }: Outside): Check {
  const check = 'store'
  if (!known && fault === undefined) return { check, status: 'ok', message: begins }
  return {
    check,
    status: 'fault',
    message:
      fault ?? `no broker has run on ${where}, though the head of its record is kept outside it, in ${path}`,
    remedy:
      'Correct `store`, or restore it from a backup. To begin anew, with nothing alive of before, delete the file `audit.last_head`.',
  }
}

const unsound =
  'A broker grants nothing from it. Run `mayfly audit verify`; what to do is in docs/operating.md, "A restored backup", and "A store that somebody else has written to".'

/** What of a verification is quick: why a broker would grant nothing, however sound the rows may be. */
async function faultsOf(
  tx: Tx,
  { outside, torn }: { outside: Outside; torn: boolean },
): Promise<Discrepancy[]> {
  const fault = (await outsideFault(tx, outside)) ?? (torn ? await plainCopyFault(tx, outside) : undefined)
  return [...(await quickFaults(tx)), ...(fault ? [fault] : [])]
}
