import { expect, test } from 'vitest'
import { refused, trusting } from '../support/trust.ts'

const respelt: [string, (url: string) => unknown][] = [
  ['a trailing slash', (url) => `${url}/`],
  ['a fragment', (url) => `${url}#`],
  ['an empty query', (url) => `${url}?`],
  ['a user name', (url) => url.replace('://', '://user@')],
  ['dot segments', (url) => `${url}/a/..`],
  ['an encoded slash', (url) => `${url}%2F`],
  ['a tab', (url) => url.replace('127', '1\t27')],
  ['a line break', (url) => `${url}\n`],
  ['backslashes', (url) => url.replace('//', '\\\\')],
  ['non-ASCII digits', (url) => url.replace('127', '１２７')],
  ['a hexadecimal address', (url) => url.replace('127.0.0.1', '0x7f000001')],
  ['a decimal address', (url) => url.replace('127.0.0.1', '2130706433')],
  ['an upper-case scheme', (url) => url.replace('http', 'HTTP')],
  ['an array around it', (url) => [url]],
  ['a name that every object has', () => 'constructor'],
  ['null', () => null],
  ['nothing', () => undefined],
]

test.each(respelt)(
  'a trusted iss respelt with %s is unknown, and nobody is asked',
  async (_what, respell) => {
    await using broker = await trusting()
    const token = broker.issuer.token({ iss: respell(broker.issuer.url) })
    await expect(broker.verify(token)).rejects.toMatchObject(refused('iss is not a trusted issuer'))
    expect(broker.issuer.requests).toEqual([])
  },
)
