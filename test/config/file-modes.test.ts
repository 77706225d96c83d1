/** Who may have a secret's file, and what to run where too many do: the broker has to read it afterwards. */
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { type Access, openness, opennessOf, remedyFor, type Self } from '../../src/config/file-modes.ts'

const [root, mayfly, somebody] = [0, 998, 1000]
/** The broker under systemd, with a group of its own, and root who looks after it. */
const broker: Self = { uid: mayfly, gid: mayfly, groups: [mayfly, 990] }
const administrator: Self = { uid: root, gid: root, groups: [root] }
const file = (uid: number, gid: number, mode: number): Access => ({ uid, gid, mode: 0o100000 | mode })
const key = '/etc/mayfly/seal.key'

describe('is fine', () => {
  it.each<[string, Access, Self]>([
    ["the broker's own, for it alone", file(mayfly, mayfly, 0o600), broker],
    ["the broker's own, which it only reads", file(mayfly, mayfly, 0o400), broker],
    ["root's, for the group of the service (systemd)", file(root, mayfly, 0o640), broker],
    ["root's, for a group of the pod (Kubernetes)", file(root, 990, 0o440), broker],
    ["root's, where root runs the broker", file(root, root, 0o600), administrator],
    ["somebody's, whom root looks after", file(mayfly, mayfly, 0o600), administrator],
  ])('%s', (_what, access, self) => expect(openness(key, access, self)).toBeUndefined())
})

const changed = 'can be changed by others than its owner'
const read = 'can be read by others than its owner'
const forGroup = `Run as root: chown root:${mayfly} ${key} && chmod 640 ${key}`
const forOwner = `Run: chmod 600 ${key}`
const forUser = `Run: chown USER ${key} && chmod 600 ${key}, where USER is the user that the broker runs as`

const forGroupOrUser = `Run this as the broker's user, who may be in that group; if not, ${forUser.replace('Run', 'run')}`

describe('is warned of', () => {
  it.each<[string, Access, Self, string, string]>([
    ['readable by all', file(root, mayfly, 0o644), broker, read, forGroup],
    ['writable by all', file(root, mayfly, 0o646), broker, changed, forGroup],
    ['writable by the group', file(root, mayfly, 0o660), broker, changed, forGroup],
    [
      'for a group in which the broker is not',
      file(root, 44, 0o640),
      broker,
      `${read}, those in the group 44`,
      forGroup,
    ],
    [
      "the broker's own, for its group",
      file(mayfly, mayfly, 0o640),
      broker,
      `${read}, those in the group ${mayfly}`,
      forOwner,
    ],
    ["the broker's own, for all", file(mayfly, mayfly, 0o644), broker, read, forOwner],
    [
      "somebody else's, for the group",
      file(somebody, mayfly, 0o640),
      broker,
      `${read}, those in the group ${mayfly}`,
      forGroup,
    ],
    [
      "seen by root, root's and for a group",
      file(root, mayfly, 0o640),
      administrator,
      `${read}, those in the group ${mayfly}`,
      forGroupOrUser,
    ],
    [
      "seen by root, root's and for its own group",
      file(root, root, 0o640),
      administrator,
      `${read}, those in the group ${root}`,
      forGroupOrUser,
    ],
    ["seen by root, root's and for all", file(root, root, 0o604), administrator, read, forUser],
    ["seen by root, the broker's and for all", file(mayfly, mayfly, 0o644), administrator, read, forOwner],
  ])('%s', (_what, access, self, message, remedy) =>
    expect(openness(key, access, self)).toEqual({ message, remedy }),
  )
})

test('what is run is run by whoever is told to, and the broker reads the file afterwards without a warning', () => {
  for (const self of [broker, administrator])
    for (const uid of [root, mayfly])
      for (const mode of [0o644, 0o660, 0o666]) {
        const { remedy } = openness(key, file(uid, mayfly, mode), self)!
        const group = /chown root:(\d+)/.exec(remedy)
        const asBroker = group ? file(root, Number(group[1]), 0o640) : file(mayfly, mayfly, 0o600)
        expect(/USER/.test(remedy) || group !== null || uid === mayfly, remedy).toBe(true)
        expect(openness(key, asBroker, broker)).toBeUndefined()
      }
})

test('what the broker writes stays its own', () => {
  const needs = 'to write'
  expect(remedyFor(key, mayfly, { needs, self: broker })).toBe(forOwner)
  expect(remedyFor(key, root, { needs, self: broker })).toBe(
    `Run as root: chown ${mayfly} ${key} && chmod 600 ${key}`,
  )
  expect(remedyFor(key, root, { needs, self: administrator })).toBe(forUser)
})

test('a file is looked at as this process has it', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'mayfly-modes-'))
  const path = join(directory.path, 'seal.key')
  writeFileSync(path, 'secret', { mode: 0o600 })
  expect(opennessOf(path)).toBeUndefined()
  chmodSync(path, 0o644)
  expect(opennessOf(path)).toEqual({ message: read, remedy: remedyFor(path, statSync(path).uid) })
})
