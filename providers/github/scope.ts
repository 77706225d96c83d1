import { faultTexts, inOneText } from '../../src/base/issues.ts'
import { githubDetail, type GithubDetail } from './detail.ts'

const form = 'OWNER/REPO[+OWNER/REPO…]:PERMISSION=LEVEL[,PERMISSION=LEVEL…]'

export const scopeExamples = [
  'acme/web:contents=write,pull_requests=write',
  'acme/web+acme/docs:contents=read',
]

/**
 * Reads the command line's shorthand, `acme/web+acme/docs:contents=write,issues=read`.
 * `+` is in no repository's name.
 *
 * @throws Error that says what is wrong and what is expected.
 */
export function parseScope(text: string): GithubDetail {
  const [repositories, asked, ...rest] = text.split(':')
  if (!repositories || !asked || rest.length > 0) throw new Error(`a github scope is ${form}`)
  const permissions = asked.split(',').map((pair) => {
    const [name, level, ...more] = pair.split('=')
    if (!name || !level || more.length > 0)
      throw new Error(`${JSON.stringify(pair)}: a github scope is ${form}`)
    return [name, level] as const
  })
  if (new Set(permissions.map(([name]) => name)).size < permissions.length) {
    throw new Error('the same permission is named twice')
  }
  // fromEntries defines own properties, so `__proto__=write` reaches the schema, which refuses it.
  const parsed = githubDetail.safeParse({
    type: 'github',
    repositories: repositories.split('+'),
    permissions: Object.fromEntries(permissions),
  })
  if (parsed.success) return parsed.data
  throw new Error(`${inOneText(faultTexts(parsed.error))}; a github scope is ${form}`)
}

export function scopeText({ repositories, permissions }: GithubDetail): string {
  const asked = Object.entries(permissions).map(([name, level]) => `${name}=${level}`)
  return `${repositories.join('+')}:${asked.join(',')}`
}
