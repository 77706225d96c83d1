import { expect, it } from 'vitest'
import { github } from '../../providers/github.ts'
import type { Provider } from '../../src/provider/contract.ts'
import { loadWith, onlyFault } from '../support/installation.ts'

/** Fails as some parsers of keys do. */
const talkative: Provider = {
  ...(github as Provider),
  connect(_config, context) {
    throw new Error(`unexpected token in "${context.secret({ file: './app.pem' }).slice(2)}"`)
  },
}

const app = { name: 'acme', app_id: 1, private_key: { file: './app.pem' }, owners: ['acme'] }
const connect = (provider: Provider) =>
  loadWith(
    { providers: { github: [app] } },
    { 'app.pem': '--\nnot-a-key-but-secret\n' },
    { providers: [provider] },
  )

it.each([
  ['says why', github as Provider],
  ['quotes it', talkative],
])(
  'a private key that cannot be read is refused and not repeated, where the provider %s',
  async (_how, provider) => {
    const loaded = await connect(provider)
    expect(onlyFault(loaded)).toMatchObject({
      path: 'providers.github[0]',
      message: expect.stringContaining('cannot be connected'),
    })
    expect(JSON.stringify(loaded.faults)).not.toContain('not-a-key-but-secret')
  },
)
