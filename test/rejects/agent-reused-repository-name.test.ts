import { expect, it } from 'vitest'
import { agentFile } from '../../src/agents/agent.ts'
import { Agents } from '../../src/agents/registry.ts'
import { principal } from '../support/principal.ts'
import { refactorBot } from '../support/installation.ts'

it('a repository that took over the name of another is not its agent', () => {
  const agents = new Agents([agentFile.parse(refactorBot)])
  const subject = 'repo:acme/web:environment'
  const from = (id: string) => principal(subject, { repository_id: id }, 'github-actions')
  expect(agents.choose(from('123')).name).toBe('refactor-bot')
  expect(() => agents.choose(from('456'))).toThrow(expect.objectContaining({ code: 'unknown_agent' }))
})
