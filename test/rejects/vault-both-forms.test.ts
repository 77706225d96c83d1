import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

test.each([[{ type: 'vault', path: 'database/creds/readonly', policies: ['ci-read'] }], [{ type: 'vault' }]])(
  'a detail has one of the two forms: %j',
  (detail) => {
    const parsed = vault.detail.safeParse(detail)
    expect(parsed.error?.issues).toMatchObject([
      { message: 'a vault detail has either `path` or `policies`' },
    ])
  },
)
