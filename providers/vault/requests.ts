import type {
  AuthorizationRequest,
  Class,
  Entity,
  Resource,
  ServedResource,
} from '../../src/provider/terms.ts'
import type { DeclaredPath, VaultConfig } from './config.ts'
import type { PathDetail, VaultDetail } from './detail.ts'
import { mountsOf, serverAt } from './names.ts'

/** What the configuration says of the path, if it does. */
export function declaredPath({ paths }: VaultConfig, detail: PathDetail): DeclaredPath | undefined {
  return paths.find(({ path }) => path === detail.path)
}

/** Whether everything in `detail` is declared: what is not can neither be asked for nor decided about. */
export function declares(config: VaultConfig, detail: VaultDetail): boolean {
  return 'path' in detail
    ? declaredPath(config, detail) !== undefined
    : detail.policies.every((policy) => config.policies.some(({ name }) => name === policy))
}

/** What policy must allow: reading the path, or a token with each of the policies. Their classes are the configuration's. */
export function requests(config: VaultConfig, detail: VaultDetail): AuthorizationRequest[] {
  if ('path' in detail) {
    return [{ ...action('read', declaredPath(config, detail)), resource: pathResource(config, detail.path) }]
  }
  return detail.policies.map((id) => ({
    ...action(
      'token',
      config.policies.find(({ name }) => name === id),
    ),
    resource: policyResource(config, id),
  }))
}

/** Everything that can be asked for. */
export function resources(config: VaultConfig): ServedResource[] {
  return [
    ...config.paths.map((declared) => ({
      ...pathResource(config, declared.path),
      actions: [action('read', declared)],
    })),
    ...config.policies.map((declared) => ({
      ...policyResource(config, declared.name),
      actions: [action('token', declared)],
    })),
  ]
}

function pathResource(config: VaultConfig, path: string): Resource {
  const mounts = mountsOf(path).map((id) => ({ type: 'VaultMount', id }))
  return { type: 'VaultPath', id: path, parents: [...mounts, server(config)] }
}

function policyResource(config: VaultConfig, name: string): Resource {
  return { type: 'VaultPolicy', id: name, parents: [server(config)] }
}

function server({ address, namespace }: VaultConfig): Entity {
  return { type: 'VaultServer', id: serverAt(address, namespace) }
}

function action(kind: 'read' | 'token', declared: { class: Class } | undefined) {
  if (!declared) throw new Error('a path or policy that is not declared has no class')
  return { action: `vault.${kind}.${declared.class}`, class: declared.class, implied: [] }
}
