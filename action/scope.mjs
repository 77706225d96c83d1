/**
 * `scope`, each line as the command line writes it or as JSON. It is read here without a package: what
 * it means and whether it is sound, the broker says. test/action/scope.test.ts holds it to the command line.
 */

/** @throws Error that says what is expected. */
export function detailsOf(scope) {
  const written = scope.trim()
  if (written.startsWith('[')) return JSON.parse(written)
  const lines = written.split('\n').map((line) => line.trim())
  const details = lines.filter((line) => line !== '').map(detailOf)
  if (details.length === 0) throw new Error('scope is empty')
  return details
}

const readers = new Map(Object.entries({ github, aws, vault, tool }))

function detailOf(line) {
  if (line.startsWith('{')) return JSON.parse(line)
  const [type] = line.split(':', 1)
  const read = readers.get(type)
  if (!read) throw new Error(`${line}: a scope begins with github:, aws:, vault: or tool:, or is JSON`)
  return { type, ...read(line.slice(type.length + 1), line) }
}

function github(rest, line) {
  const [repositories, asked = '', ...more] = rest.split(':')
  const pairs = asked.split(',').map((pair) => pair.split('='))
  const names = new Set(pairs.map(([name]) => name))
  if (more.length > 0 || names.size < pairs.length || pairs.some((pair) => pair.length !== 2 || !pair[0]))
    throw new Error(`${line}: a github scope is github:OWNER/REPO:PERMISSION=LEVEL[,PERMISSION=LEVEL]`)
  return { repositories: repositories.split('+'), permissions: Object.fromEntries(pairs) }
}

/** In a resource, `%2C` is a comma and `%25` a percent sign; any other `%` is its own. */
function aws(rest) {
  const narrowed = /^(?<role>.*?):actions=(?<actions>[^=]*):resources=(?<resources>.*)$/.exec(rest)
  if (!narrowed) return { role_arn: rest }
  const { role, actions, resources } = narrowed.groups
  const unescaped = (text) => text.replaceAll(/%2C|%25/gi, (code) => (code === '%25' ? '%' : ','))
  return { role_arn: role, actions: actions.split(','), resources: resources.split(',').map(unescaped) }
}

function vault(rest) {
  return rest.startsWith('policies=') ? { policies: rest.slice(9).split(',') } : { path: rest }
}

function tool(rest) {
  const [, name, resource] = /^([^:]*):?(.*)$/.exec(rest)
  return { name, ...(rest.includes(':') && { resource }) }
}
