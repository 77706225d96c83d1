import type { AuthorizationRequest, Class } from '../../src/provider.ts'
import type { DeclaredPath, VaultConfig } from './config.ts'
import type { PathDetail, VaultDetail } from './detail.ts'
import { mountsOf } from './names.ts'

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
    const declared = declaredPath(config, detail)
    const mounts = mountsOf(detail.path).map((id) => ({ type: 'VaultMount', id }))
    return [
      { ...action('read', declared), resource: { type: 'VaultPath', id: detail.path, parents: mounts } },
    ]
  }
  return detail.policies.map((id) => ({
    ...action(
      'token',
      config.policies.find(({ name }) => name === id),
    ),
    resource: { type: 'VaultPolicy', id, parents: [] },
  }))
}

function action(kind: 'read' | 'token', declared: { class: Class } | undefined) {
  if (!declared) throw new Error('a path or policy that is not declared has no class')
  return { action: `vault.${kind}.${declared.class}`, class: declared.class, implied: [] }
}
