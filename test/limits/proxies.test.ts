/** Behind proxies: whom a request counts for, and who is believed about it. */
import { expect, test } from 'vitest'
import { addressing, network } from '../../src/http/address.ts'
import { raw } from '../support/raw-http.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({
  settings: {
    trusted_proxies: ['127.0.0.1', '10.0.0.0/8'],
    limits: { failures_per_minute: { address: 2 } },
  },
})
const guess = (...forwarded: string[]) =>
  raw(`${broker.url}/v1/tasks/x`, {
    headers: ['Authorization', 'Bearer guess', ...forwarded.flatMap((value) => ['X-Forwarded-For', value])],
  })

/** Two failures are let through, the third is not. */
async function expectOneSender(...ways: string[][]) {
  for (const forwarded of ways.slice(0, 2)) expectRefusal(await guess(...forwarded), 401, 'invalid_token')
  for (const forwarded of ways.slice(2)) expectRefusal(await guess(...forwarded), 429, 'limit_exceeded')
}

test('through a trusted proxy each sender has a limit of their own', async () => {
  await expectOneSender(['203.0.113.1'], ['203.0.113.1'], ['203.0.113.1'])
  expectRefusal(await guess('203.0.113.2'), 401, 'invalid_token')
})

test('what a sender writes in front of the proxy counts for nothing', async () => {
  await expectOneSender(
    ['198.51.100.1, 203.0.113.3'],
    ['198.51.100.2, 203.0.113.3'],
    ['198.51.100.3, 203.0.113.3'],
    ['198.51.100.4', '203.0.113.3'],
    ['10.9.9.9, 203.0.113.3'],
  )
})

test('through several proxies of ours, the first address that is none of them is the sender', async () => {
  await expectOneSender(
    ['203.0.113.4, 10.0.0.7'],
    ['203.0.113.4, 10.0.0.7, 10.200.0.1'],
    ['203.0.113.4', '10.0.0.8'],
  )
  expectRefusal(await guess('203.0.113.5, 10.0.0.7'), 401, 'invalid_token')
})

test('what is no address stands for the proxy that wrote it', async () => {
  await expectOneSender(['unknown'], ['203.0.113.6, _hidden'], [''])
})

test.each<[string, string | undefined, string | undefined, string]>([
  ['no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ['a proxy that says nothing', '10.0.0.1', undefined, '10.0.0.1'],
  ['a proxy', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  ['a proxy over an IPv6 socket', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
  ['a proxy of an IPv6 block', 'fd00::7', '2001:db8::1', '2001:db8::1'],
  ['proxies all the way', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['an address just outside the block', '11.0.0.1', '198.51.100.1', '11.0.0.1'],
  ['a port after the address', '10.0.0.1', '198.51.100.1:1234', '198.51.100.1'],
  ['a port after each', '10.0.0.1', '203.0.113.9:1, 198.51.100.1:65535, 10.0.0.2:443', '198.51.100.1'],
  ['a port after an IPv6 address', '10.0.0.1', '[2001:db8::1]:1234', '2001:db8::1'],
  ['brackets alone', '10.0.0.1', '[2001:db8::1]', '2001:db8::1'],
  ['an IPv4 address in IPv6, and a port', '10.0.0.1', '[::ffff:198.51.100.1]:1234', '198.51.100.1'],
  ['an IPv4 address in IPv6, in hexadecimal', '0:0:0:0:0:ffff:a00:1', '::FFFF:c633:6401', '198.51.100.1'],
  ['what is no port', '10.0.0.1', '198.51.100.1:port', '10.0.0.1'],
  ['what is no address in brackets', '10.0.0.1', '[198.51.100.1.]:1', '10.0.0.1'],
  ['ten thousand commas', '10.0.0.1', ','.repeat(10_000), '10.0.0.1'],
  ['nobody', undefined, '198.51.100.1', 'unknown'],
])('%s', (_what, remote, forwarded, sender) => {
  expect(addressing(['10.0.0.0/8', 'fd00::/8'])(remote, forwarded)).toBe(sender)
})

test('whoever has a /64 is one sender with all of it, and none with the next', async () => {
  await expectOneSender(['2001:db8:0:1::1'], ['2001:db8:0:1:ffff::2'], ['[2001:db8:0:1:1::3]:4711'])
  expectRefusal(await guess('2001:db8:0:2::1'), 401, 'invalid_token')
})

test.each([
  ['198.51.100.1', '198.51.100.1'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:0DB8:0000:0000:1:2:3:4', '2001:db8:0:0::/64'],
  ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, counted) => {
  expect(network(address)).toBe(counted)
})
