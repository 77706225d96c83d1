/** The signals that ask `mayfly run`, and so its command, to stop. */
import { readFileSync } from 'node:fs'

export interface Arrival {
  signal: NodeJS.Signals
  /** The terminal has sent it to the command as well. */
  shared: boolean
  /** It is a SIGINT, and not the first. */
  insists: boolean
}

/**
 * npm passes on to its script what the terminal has sent to both: one Ctrl-C
 * arrives twice, some milliseconds apart.
 */
const echoMs = 100

/** Calls `heed` at each signal, none of which ends this process from now on, until the returned function is called. */
export function onSignal(heed: (arrival: Arrival) => void): () => void {
  let interrupted: number | undefined
  const listener = (signal: NodeJS.Signals) => {
    const fromKeyboard = signal === 'SIGINT' || signal === 'SIGQUIT'
    const shared = fromKeyboard && inForeground()
    if (signal !== 'SIGINT') return heed({ signal, shared, insists: false })
    const now = performance.now()
    const insists = interrupted !== undefined
    if (interrupted !== undefined && now - interrupted < echoMs) return
    interrupted = now
    heed({ signal, shared, insists })
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
  for (const signal of signals) process.on(signal, listener)
  return () => {
    for (const signal of signals) process.off(signal, listener)
  }
}

/**
 * Whether Ctrl-C reaches this process: then it reaches the command too, which is
 * of the same process group, and would get twice what is passed on. Many
 * programs take a second one as the order to drop everything.
 */
function inForeground(): boolean {
  try {
    // proc_pid_stat(5): behind the name, in parentheses: state, ppid, pgrp, session, tty_nr, tpgid.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'latin1')
      .split(') ')
      .at(-1)!
      .split(' ')
    return group === foreground
  } catch {
    return process.stdin.isTTY
  }
}
