import type { Command } from 'commander'
import { isBrokerError } from '../../base/errors.ts'
import { Failure, faultLines, tell } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'
import { deciding, explanationView, requestLines } from './describe.ts'
import { type ChainExpectation, type Expectation, readExpectations } from './expectations.ts'
import { agentNamed, type Explained, explainQuestion, readRules } from './question.ts'
import { chainsOf, wayOf } from '../../config/chains.ts'
import type { RuleSet } from '../../config/rules.ts'
import type { Chain } from '../../policy/chains.ts'

export function registerCheck(group: Command): void {
  withJson(withConfiguration(group.command('check')))
    .summary('hold policies against a file of expectations')
    .description(
      `Decides what each expectation asks, and reports every one that does not hold,
with its explanation. For CI: the exit status is 1 if any does not hold. No
broker has to run, and none of the configuration's secrets have to be there.

The file is a YAML list; docs/policy.md describes it. With --json the answer is
{ "passed", "failed", "expectations" }.`,
    )
    .argument('<file>', 'the expectations')
    .addHelpText(
      'after',
      `
Example of an expectation:
  - name: infra waits for security
    agent: refactor-bot
    scope: ['github:acme/infra:contents=write']
    expect: pending_approval
    approvals: [security]`,
    )
    .action(check)
}

async function check(file: string, options: { config: string; json?: boolean }): Promise<void> {
  const expectations = readExpectations(file)
  const { rules, warnings } = await readRules(options.config)
  if (!options.json && warnings.length > 0) tell(warnings.flatMap(faultLines))
  let chains: Chain[] | undefined
  const results = expectations.map((expectation) =>
    'expect' in expectation
      ? resultOf(rules, expectation)
      : chainResult(rules, expectation, (chains ??= chainsOf(rules))),
  )
  const failed = results.filter(({ differences }) => differences.length > 0)
  const passed = results.length - failed.length
  const view = results.map(({ expectation, differences, explained }) => ({
    name: expectation.name,
    ok: differences.length === 0,
    ...('expect' in expectation
      ? { expect: expectation.expect }
      : { becomes: expectation.becomes, gains: expectation.gains }),
    differences,
    ...(explained && explanationView(explained.explanation, rules.policies)),
  }))
  answer(options, { passed, failed: failed.length, expectations: view }, [
    ...failed.flatMap((result) => [...failureLines(result, rules), '']),
    `${passed} of ${count(results.length, 'expectation')} hold`,
  ])
  if (failed.length > 0) process.exitCode = 1
}

interface Result {
  expectation: Expectation | ChainExpectation
  /** What is otherwise than expected; empty when it holds. */
  differences: string[]
  /** Missing where the question could not be put. */
  explained?: Explained
}

function resultOf(rules: RuleSet, expectation: Expectation): Result {
  let explained: Explained
  try {
    explained = explainQuestion(rules, expectation)
  } catch (error) {
    if (!isBrokerError(error) && !(error instanceof Failure)) throw error
    return { expectation, differences: [`it cannot be asked: ${error.message}`] }
  }
  return { expectation, explained, differences: [...differences(expectation, explained)] }
}

function chainResult(rules: RuleSet, expectation: ChainExpectation, chains: readonly Chain[]): Result {
  const { agent, becomes, gains } = expectation
  try {
    agentNamed(rules, agent)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return { expectation, differences: [`it cannot be asked: ${error.message}`] }
  }
  const unwanted = chains.filter(
    (chain) =>
      chain.agents[0] === agent &&
      ((becomes && !becomes.includes(chain.agents.at(-1)!)) ||
        (gains && chain.gains.some((gained) => !gains.includes(gained)))),
  )
  return {
    expectation,
    differences: unwanted.map((chain) => `${wayOf(chain)} → ${chain.gains.join(', ') || 'no other class'}`),
  }
}

function* differences(expectation: Expectation, { explanation }: Explained): Generator<string> {
  const { decision } = explanation
  if (decision.outcome !== expectation.expect)
    return yield `it is ${decision.outcome}, not ${expectation.expect}`
  const needed = decision.outcome === 'pending_approval' ? decision.approvals : []
  const { approvals, policies } = expectation
  if (approvals && !sameSet(approvals, needed))
    yield `it needs the yes of ${listed(needed)}, not of ${listed(approvals)}`
  if (!policies) return
  const decided = deciding(explanation)
  const absent = policies.filter((id) => !decided.includes(id))
  if (absent.length > 0) yield `${listed(absent)} did not decide it, but ${listed(decided)}`
  if (policies.length === 0 && decided.length > 0) yield `${listed(decided)} decided it, not no policy`
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return new Set(a).size === new Set(b).size && a.every((item) => b.includes(item))
}

function listed(items: readonly string[]): string {
  return items.length > 0 ? items.join(', ') : 'no policy'
}

function failureLines({ expectation, differences, explained }: Result, rules: RuleSet): string[] {
  const lines = explained
    ? [
        ...explained.notes.map((note) => `note: ${note}`),
        ...explained.explanation.requests.flatMap((request) => requestLines(request, rules.policies)),
      ]
    : []
  return [`${expectation.name}: ${differences.join('; ')}`, ...lines.map((line) => `  ${line}`)]
}
