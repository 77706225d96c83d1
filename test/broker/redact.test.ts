/** The log's last net: what looks like a secret is not written, wherever in a line it stands. */
import { expect, test } from 'vitest'
import { redact, type secretShapes } from '../../src/broker/logger.ts'

const letters = (count: number) => 'Ab1'.repeat(count).slice(0, count)
const secrets: Record<keyof typeof secretShapes, string[]> = {
  mayfly: [`mft_${letters(43)}`],
  github: [`ghs_${letters(36)}`, `github_pat_${letters(30)}`],
  aws: [`ASIA${letters(16).toUpperCase()}`, `IQoJb3JpZ2lu${letters(300)}`, `FwoGZXIvYXdz${letters(300)}=`],
  vault: [`hvs.${letters(24)}`, `s.${letters(24)}`],
  jwt: [`eyJ${letters(20)}.eyJ${letters(20)}.${letters(40)}`],
}
const key = `-----BEGIN RSA PRIVATE KEY-----\\n${letters(40)}`

test.each([...Object.values(secrets).flat(), key])('%s never gets through', (secret) => {
  for (const line of [secret, `{"token":"${secret}"}`, `with ${secret}`, `key=${secret}`]) {
    expect(redact(line)).not.toContain(secret)
    expect(redact(line)).toContain('[redacted]')
  }
})
