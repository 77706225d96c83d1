import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { providers } from '../../providers/catalog.ts'
import { systemClock } from '../base/clock.ts'
import { loadRules } from '../config/rules.ts'
import { Failure, FaultyConfiguration } from './failure.ts'
import { findPolicies } from './import/find.ts'
import { render } from './import/render.ts'
import { type Import, translateAll } from './import/translate-all.ts'
import { urlOption, withJson } from './options.ts'
import { answer, count } from './print.ts'
import { reviewDate, writeNew } from './write-new.ts'

export function register(program: Command): void {
  const group = program.command('import').summary('turn what another broker trusts into agents and policies')
  withJson(group.command('octo-sts'))
    .summary('agents and policies from trust policies of octo-sts')
    .description(
      `Reads the trust policies of a checkout, or of several in OWNER/REPO below the
directory (.github/chainguard/*.sts.yaml), and writes an agent and a Cedar
policy for each into a new directory, with the issuers that they need. octo-sts'
clients then get from /sts/exchange what they got before.

Nobody is let in whom the policy does not let in. What an agent cannot say is
left out and listed, with the reason; what it says more narrowly is marked. The
host of the broker's url is the audience of policies that name none.

With --json the answer is { "directory", "files", "imported", "listed" }, each
imported with "file", "agent", "scope", "identity" and "narrowed", each listed
with "file" and "reason". The exit status is 1 where something is listed.`,
    )
    .argument('<dir>', 'where the checkouts are, or one of them')
    .option('-o, --out <dir>', 'where to', 'mayfly-import')
    .option(
      '--repository <owner/repo>',
      'whose checkout the directory is, where git does not say',
      repository,
    )
    .option('--owner <person>', 'who answers for the agents: a verified email or a sub; else left open')
    .option('-c, --config <file>', 'a configuration, whose names of issuers are used')
    .addOption(urlOption())
    .action(importPolicies)
}

interface Options {
  out: string
  repository?: string
  owner?: string
  config?: string
  url?: string
  json?: boolean
}

async function importPolicies(directory: string, options: Options): Promise<void> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isThere) throw new Failure('failed', `${directory} is no directory`, 'Name one with checkouts in it.')
  const { policies, issuerLists } = await findPolicies(directory, options.repository)
  if (policies.length === 0)
    throw new Failure(
      'failed',
      `${directory} holds no .github/chainguard/*.sts.yaml`,
      'Name a checkout, or a directory with checkouts in OWNER/REPO.',
    )
  const known = await knownFrom(options)
  const result = translateAll(policies, issuerLists, known)
  const files = render(result, {
    owner: options.owner,
    reviewBy: reviewDate(),
    configured: new Set(known.issuers.keys()),
  })
  await writeNew(
    options.out,
    Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { text }])),
  )
  tellAll(result, Object.keys(files), options)
  if (result.listed.length > 0) process.exitCode = 1
}

/** What a configuration says, where one is named. @throws FaultyConfiguration */
async function knownFrom({ config, url }: Options) {
  const nothing = { issuers: new Map<string, string>(), agents: new Set<string>() }
  if (config === undefined) return { ...nothing, domain: url === undefined ? undefined : new URL(url).host }
  const { rules, faults } = await loadRules(config, { providers, clock: systemClock() })
  if (!rules) throw new FaultyConfiguration(faults)
  return {
    issuers: new Map([...rules.issuers.values()].map(({ issuer, name }) => [issuer, name])),
    agents: new Set([...rules.agents].map(({ name }) => name)),
    domain: new URL(url ?? rules.url).host,
  }
}

function tellAll({ imported, listed }: Import, files: string[], { out, owner, json }: Options): void {
  const value = {
    directory: out,
    files,
    imported: imported.map(({ place, agent, scope, narrowed }) => ({
      file: place.file,
      agent,
      scope,
      identity: place.identity,
      narrowed,
    })),
    listed,
  }
  answer({ ...(json && { json }) }, value, [
    `${count(imported.length, 'agent')} and ${count(files.length, 'file')} in ${out}; ${listed.length} left out`,
    ...value.imported.flatMap(({ file, agent, scope, identity, narrowed }) => [
      `${file}: agent ${agent}, ${identity} for ${scope}`,
      ...narrowed.map((each) => `  narrower: ${each}`),
    ]),
    ...listed.map(({ file, reason }) => `${file}: left out: ${reason}`),
    '',
    ...(owner === undefined && imported.length > 0
      ? ['Write into each agent who its `owner` is (or import with --owner).']
      : []),
    `Put ${join(out, 'agents')} and ${join(out, 'policies')} where your configuration has them, and run \`mayfly validate\`.`,
  ])
}

function repository(written: string): string {
  if (!/^[\w-]+\/[\w.-]+$/.test(written)) throw new InvalidArgumentError('It is OWNER/REPO.')
  return written
}
