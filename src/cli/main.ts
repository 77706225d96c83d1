#!/usr/bin/env node
/** The command line: finds the command, runs it, and turns what it throws into words and an exit status. */
import { CommanderError } from 'commander'
import { report, reportMisuse } from './failure.ts'
import { createProgram } from './program.ts'

// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const words = process.argv.slice(2)
const end = words.indexOf('--')
/** Known before the words are understood, which they may never be. What stands behind `--` is not for us. */
const json = words.slice(0, end < 0 ? undefined : end).includes('--json')

try {
  const program = await createProgram({ name: words[0], json })
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) process.exitCode = report(error, json)
  else if (error.exitCode !== 0) process.exitCode = reportMisuse(error.message, json)
}
