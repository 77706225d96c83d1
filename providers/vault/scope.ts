import { faultTexts, inOneText } from '../../src/base/issues.ts'
import { vaultDetail, type VaultDetail } from './detail.ts'

const form = 'PATH or policies=POLICY[,POLICY…]'

export const scopeExamples = ['database/creds/readonly']

/**
 * Reads the command line's shorthand, `database/creds/readonly` or
 * `policies=ci-read,other`. `=` is in no path.
 *
 * @throws Error that says what is wrong and what is expected.
 */
export function parseScope(text: string): VaultDetail {
  const asked = text.startsWith('policies=')
    ? { policies: text.slice('policies='.length).split(',') }
    : { path: text }
  const parsed = vaultDetail.safeParse({ type: 'vault', ...asked })
  if (parsed.success) return parsed.data
  throw new Error(`${inOneText(faultTexts(parsed.error))}; a vault scope is ${form}`)
}

export function scopeText(detail: VaultDetail): string {
  return 'path' in detail ? detail.path : `policies=${detail.policies.join(',')}`
}
