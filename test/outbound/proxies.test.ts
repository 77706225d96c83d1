import { describe, expect, it } from 'vitest'
import { proxiesOf } from '../../src/outbound/proxies.ts'

const proxied = (url: string, env: Record<string, string>) =>
  proxiesOf({ HTTPS_PROXY: 'http://proxy.corp:3128', ...env })?.(new URL(url))?.href

describe('HTTPS_PROXY', () => {
  it('is for https, wherever it leads', () => {
    expect(proxied('https://api.github.com', {})).toBe('http://proxy.corp:3128/')
  })

  it('is not for http, which is of this machine alone: the proxy would read it', () => {
    expect(proxied('http://127.0.0.1:8200', { HTTP_PROXY: 'http://proxy.corp:3128' })).toBeUndefined()
  })

  it('is read in lower case first, and without a scheme', () => {
    expect(proxied('https://a.example', { https_proxy: 'lower.corp:1' })).toBe('http://lower.corp:1/')
  })

  it.each(['', ' '])('set to %j is as good as unset', (value) => {
    expect(proxiesOf({ HTTPS_PROXY: value })).toBeUndefined()
  })

  it.each(['socks5://proxy.corp:1080', 'http://', 'http://user:secret@[x'])(
    '%s is refused, unquoted',
    (value) => {
      expect(() => proxiesOf({ HTTPS_PROXY: value })).toThrow('HTTPS_PROXY is set, and is no proxy')
      expect(() => proxiesOf({ HTTPS_PROXY: value })).not.toThrow('secret')
    },
  )
})

describe('NO_PROXY', () => {
  it.each([
    ['corp.example', 'https://corp.example'],
    ['corp.example', 'https://vault.corp.example:8200'],
    ['.corp.example', 'https://vault.corp.example'],
    ['*.corp.example', 'https://vault.corp.example'],
    ['CORP.example', 'https://corp.example'],
    ['a.example, b.example', 'https://b.example'],
    ['a.example b.example', 'https://b.example'],
    ['vault.example:8200', 'https://vault.example:8200'],
    ['api.example:443', 'https://api.example'],
    ['10.0.0.7', 'https://10.0.0.7:6443'],
    ['10.0.0.0/8', 'https://10.20.30.40'],
    ['fd00::/8', 'https://[fd12::1]:8200'],
    ['[::1]', 'https://[::1]:8200'],
    ['*', 'https://anything.example'],
  ])('%s keeps %s from it', (list, url) => {
    expect(proxied(url, { NO_PROXY: list })).toBeUndefined()
  })

  it.each([
    ['corp.example', 'https://notcorp.example'],
    ['corp.example', 'https://corp.example.evil'],
    ['vault.example:8200', 'https://vault.example'],
    ['10.0.0.0/8', 'https://11.0.0.1'],
    ['10.0.0.0/99', 'https://10.0.0.1'],
    ['', 'https://corp.example'],
  ])('%j does not keep %s from it', (list, url) => {
    expect(proxied(url, { NO_PROXY: list })).toBeDefined()
  })

  it('in lower case comes before the other, unless it is empty', () => {
    expect(proxied('https://a.example', { no_proxy: '', NO_PROXY: 'a.example' })).toBeUndefined()
    expect(proxied('https://a.example', { no_proxy: 'b.example', NO_PROXY: 'a.example' })).toBeDefined()
  })
})
