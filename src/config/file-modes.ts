/** Who besides the broker may get at a file of its own: a secret, or what it keeps. */
import { statSync } from 'node:fs'

/** Whose a file is, and what its modes let others do. */
export interface Access {
  uid: number
  gid: number
  mode: number
}

/** As whom this process opens files. */
export interface Self {
  uid: number
  groups: readonly number[]
  /** Of the files that it makes. */
  gid: number
}

export interface Openness {
  /** To follow the file's path. */
  message: string
  /** What to run so that it is closed, and the broker still reads it. */
  remedy: string
}

const root = 0

/** What is wrong with the modes of the secret at `path`; undefined where nothing is, or there are none, as on Windows. */
export function opennessOf(path: string): Openness | undefined {
  const self = ownSelf()
  return self && openness(path, statSync(path), self)
}

/**
 * A secret is for its owner alone, or root's and for a group that this process is in, which may only read it:
 * so the broker's user has it from an administrator, and cannot change it (docs/deploying.md, a Kubernetes volume
 * with an `fsGroup`). Root itself needs no group for it.
 */
export function openness(path: string, { uid, gid, mode }: Access, self: Self): Openness | undefined {
  const remedy = remedyFor(path, uid, { self })
  if ((mode & 0o022) !== 0) return { message: 'can be changed by others than its owner', remedy }
  if ((mode & 0o007) !== 0) return { message: 'can be read by others than its owner', remedy }
  const isGiven = uid === root && self.uid !== root && self.groups.includes(gid)
  if ((mode & 0o040) === 0 || isGiven) return undefined
  const isRoots = uid === root && self.uid === root
  return {
    message: `can be read by others than its owner, those in the group ${gid}`,
    // It may be just for the broker, of which root knows nothing.
    remedy: isRoots
      ? `Run this as the broker's user, who may be in that group; if not, ${lower(remedy)}`
      : remedy,
  }
}

const lower = (sentence: string) => sentence.charAt(0).toLowerCase() + sentence.slice(1)

/** How to close a file of the user `owner` so that the broker, if this is its user, still has what it needs of it. */
export function remedyFor(
  path: string,
  owner: number,
  { needs = 'to read', self = ownSelf() }: { needs?: 'to read' | 'to write'; self?: Self | undefined } = {},
): string {
  if (self === undefined) return `Run: chmod 600 ${path}`
  if (self.uid !== root) {
    if (owner === self.uid) return `Run: chmod 600 ${path}`
    return needs === 'to write'
      ? `Run as root: chown ${self.uid} ${path} && chmod 600 ${path}`
      : `Run as root: chown root:${self.gid} ${path} && chmod 640 ${path}`
  }
  // Whoever root has given it to is the one who needs it. Of what is still root's, root cannot tell.
  if (owner !== root) return `Run: chmod 600 ${path}`
  return `Run: chown USER ${path} && chmod 600 ${path}, where USER is the user that the broker runs as`
}

function ownSelf(): Self | undefined {
  const { getuid, geteuid = getuid, getgid, getegid = getgid, getgroups } = process
  if (!geteuid || !getegid || !getgroups) return undefined
  const gid = getegid()
  return { uid: geteuid(), gid, groups: [gid, ...getgroups()] }
}
