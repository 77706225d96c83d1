/**
 * The real tools inside one run, over upstreams whose credentials live 20 seconds: `MAYFLY_RUN_SECONDS=180` for three
 * minutes. Beside them lie logins, of which none works: a call that used one would fail.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startProxy } from '../../src/sandbox/proxy.ts'
import { selfSigned } from '../support/certificate.ts'
import { evidenceOf, longRun, overlaps } from '../support/long-run.ts'

const life = 20
const seconds = Number(process.env['MAYFLY_RUN_SECONDS'] ?? 40)

const there = (tool: string) => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const vault = ['bao', 'vault'].find(there)
const missing = [...['git', 'gh', 'aws'].filter((tool) => !there(tool)), ...(vault ? [] : ['bao or vault'])]

/** Logins that lie about, by path below HOME. */
const strays = {
  '.config/gh/hosts.yml': 'github.com:\n    oauth_token: gho_of_somebody\n    user: somebody\n',
  '.aws/credentials': '[default]\naws_access_key_id = AKIASOMEBODY\naws_secret_access_key = somebody\n',
  '.boto': '[Credentials]\naws_access_key_id = AKIASOMEBODY\naws_secret_access_key = somebody\n',
  '.vault-token': 'hvs.of-somebody',
  '.netrc': 'machine api.github.com login somebody password somebody\n',
}
const strayVariables = {
  GH_TOKEN: 'gho_of_somebody',
  GITHUB_TOKEN: 'gho_of_somebody',
  AWS_ACCESS_KEY_ID: 'AKIASOMEBODY',
  AWS_SECRET_ACCESS_KEY: 'somebody',
  AWS_PROFILE: 'somebody',
  VAULT_TOKEN: 'hvs.of-somebody',
  BAO_TOKEN: 'hvs.of-somebody',
  VAULT_NAMESPACE: 'somebody',
}

test.skipIf(missing.length > 0)(
  `git, gh, aws and ${vault} use the task's credentials and no others, and outlive each${missing.length > 0 ? ` (not on PATH: ${missing.join(', ')})` : ''}`,
  { timeout: (seconds + 120) * 1000 },
  async () => {
    const { broker, home, work } = await longRun(life)
    const { ledger, github, aws } = broker.sandbox
    const sts = `${aws.endpoints.sts}/`
    for (const [path, text] of Object.entries(strays)) {
      await mkdir(dirname(join(home, path)), { recursive: true })
      await writeFile(join(home, path), text, { mode: 0o600 })
    }
    // gh speaks to api.github.com alone: the way there leads to the sandbox.
    const tls = selfSigned(undefined, ['api.github.com'])
    const proxy = await startProxy({ 'api.github.com': github.url }, tls)
    onTestFinished(() => proxy.close())
    const authority = join(home, 'ca.pem')
    await writeFile(authority, tls.cert)

    const done = await work(
      seconds,
      {
        git: ['git', 'ls-remote', `${github.url}/acme/web.git`],
        gh: ['gh', 'api', 'repos/acme/web'],
        aws: ['aws', 'sts', 'get-caller-identity', '--endpoint-url', sts],
        profile: ['aws', '--profile', 'deployer', 'sts', 'get-caller-identity', '--endpoint-url', sts],
        vault: [vault!, 'read', 'secret/data/ci/npm'],
      },
      { ...strayVariables, HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1', SSL_CERT_FILE: authority },
    )
    for (const [tool, { well, failures }] of Object.entries(done)) {
      console.log(`${tool}: ${well} calls, ${failures.length} failed`)
      expect(failures).toEqual([])
      expect(well).toBeGreaterThan(3)
    }
    expect(proxy.asked).toContain('api.github.com:443')

    expect(ledger.alive()).toEqual([])
    for (const provider of ['github', 'aws', 'vault']) {
      const ofOne = ledger.entries.filter((entry) => entry.provider === provider)
      expect(ofOne.length).toBeGreaterThanOrEqual(Math.floor(seconds / life))
      console.log(evidenceOf(provider, ofOne))
      for (const overlap of overlaps(ofOne)) {
        expect(overlap).toBeGreaterThan(0)
        expect(overlap).toBeLessThanOrEqual(5_000)
      }
    }
    const admin = { token: await broker.admin() }
    const { body } = await broker.call('GET', '/v1/admin/leases?limit=100', admin)
    for (const lease of body.items) {
      expect(lease.status).toMatch(/^(?:revoked|expired)$/)
      expect(['dead', 'denied', 'expired', 'gone']).toContain(lease.evidence.result)
    }
  },
)
