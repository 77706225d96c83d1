import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeJwt } from 'jose'
import { findIdentity, givenIdentity, NoIdentity } from '../../src/client/identity.ts'
import { taskFromEnvironment } from '../../src/client/task-environment.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type SandboxIssuer, startIssuer } from '../../src/sandbox/issuer.ts'

let directory: string
let issuer: SandboxIssuer
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mayfly-identity-'))
  issuer = await startIssuer(systemClock())
})
afterAll(async () => {
  await issuer.close()
  await rm(directory, { recursive: true, force: true })
})

const file = async (name: string, text: string) => {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}
const audience = 'https://mayfly.example'
const absent = '/nowhere/token'
const job = () => {
  const { url, requestToken } = issuer.actions({ sub: 'repo:acme/web' })
  return { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken }
}
const failure = (work: Promise<unknown>) => work.then(String, (error: unknown) => error)

describe('where the identity token comes from, the first of', () => {
  const everything = async () => ({
    audience,
    projected: await file('projected', 'projected-token\n'),
    tokenFile: await file('named', 'named-token\n'),
    env: {
      MAYFLY_TOKEN: ' token-itself\n',
      MAYFLY_TOKEN_FILE: await file('in-env', 'file-token\n'),
      ...job(),
    },
  })

  it('1. the file that is named', async () => {
    expect(await findIdentity(await everything())).toBe('named-token')
  })

  it('2. MAYFLY_TOKEN', async () => {
    expect(await findIdentity({ ...(await everything()), tokenFile: undefined })).toBe('token-itself')
  })

  it('3. the file that MAYFLY_TOKEN_FILE names', async () => {
    const { env, ...rest } = await everything()
    const without = { ...env, MAYFLY_TOKEN: '' }
    expect(await findIdentity({ ...rest, tokenFile: undefined, env: without })).toBe('file-token')
  })

  it("4. GitHub Actions, for the audience and nobody else's", async () => {
    const { projected } = await everything()
    const token = await findIdentity({ audience, projected, env: job() })
    expect(decodeJwt(token)).toMatchObject({ iss: issuer.url, sub: 'repo:acme/web', aud: audience })
  })

  it("asks GitHub Actions as GitHub's documentation does, also where the URL has no query yet", async () => {
    const asked: { url: string; authorization: string | null }[] = []
    const answering = (async (url: URL, init: RequestInit) => {
      asked.push({ url: url.href, authorization: new Headers(init.headers).get('authorization') })
      return Response.json({ value: 'a-token' })
    }) as typeof fetch
    for (const url of ['http://127.0.0.1:9/token', 'http://127.0.0.1:9/token?api-version=2.0']) {
      const env = { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'lent' }
      expect(await findIdentity({ audience, env, fetch: answering })).toBe('a-token')
    }
    const encoded = encodeURIComponent(audience)
    expect(asked).toEqual([
      { url: `http://127.0.0.1:9/token?audience=${encoded}`, authorization: 'bearer lent' },
      { url: `http://127.0.0.1:9/token?api-version=2.0&audience=${encoded}`, authorization: 'bearer lent' },
    ])
  })

  it('5. the token that Kubernetes projects', async () => {
    const { projected } = await everything()
    expect(await findIdentity({ audience, projected, env: {} })).toBe('projected-token')
  })

  it('none: refused, with where one could be put', async () => {
    const error = await failure(findIdentity({ audience, projected: absent, env: {} }))
    expect(error).toBeInstanceOf(NoIdentity)
    expect((error as NoIdentity).remedy).toContain('MAYFLY_TOKEN')
  })
})

it('an admin token is only ever one that was given', async () => {
  expect(await givenIdentity({ env: job() })).toBeUndefined()
  expect(await givenIdentity({ env: { MAYFLY_TOKEN: 'a' } })).toBe('a')
})

describe('a token that cannot be used is refused where it was found, and never quoted', () => {
  it.each(['two lines\nof-it', 'two words', ''])('%j in a file', async (text) => {
    const tokenFile = await file('unusable', text)
    const error = await failure(findIdentity({ audience, tokenFile, env: { MAYFLY_TOKEN: 'not-this-one' } }))
    expect(error).toBeInstanceOf(NoIdentity)
    expect((error as Error).message).toContain(tokenFile)
    expect((error as Error).message).not.toContain('of-it')
  })

  it('a file that is not there', async () => {
    const error = await failure(findIdentity({ audience, tokenFile: absent, env: {} }))
    expect((error as Error).message).toContain('ENOENT')
  })

  it('an answer of GitHub Actions that is a refusal, or holds no token', async () => {
    const env = { ...job(), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'not-of-a-job' }
    const refused = await failure(findIdentity({ audience, env }))
    expect((refused as Error).message).toContain('401')
    expect((refused as Error).message).not.toContain('not-of-a-job')
    const url = `${issuer.url}/jwks`
    const none = await failure(findIdentity({ audience, env: { ...env, ACTIONS_ID_TOKEN_REQUEST_URL: url } }))
    expect((none as Error).message).toContain('holds none')
  })
})

describe('the task of a process', () => {
  it('is in its environment', () => {
    expect(taskFromEnvironment({ MAYFLY_TASK: 't', MAYFLY_TASK_TOKEN: 'k' })).toEqual({ id: 't', token: 'k' })
    expect(taskFromEnvironment({})).toBeUndefined()
  })

  it('is not guessed from half of it', () => {
    expect(() => taskFromEnvironment({ MAYFLY_TASK: 't' })).toThrow('MAYFLY_TASK_TOKEN')
    expect(() => taskFromEnvironment({ MAYFLY_TASK_TOKEN: 'k' })).toThrow('MAYFLY_TASK')
  })
})
