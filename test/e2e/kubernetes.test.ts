/** Service accounts of a Kubernetes cluster, as its API server vouches for them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { agentFiles } from '../support/agents.ts'
import { readWeb } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const bearer = 'token-of-the-broker-in-the-cluster'
const sub = 'system:serviceaccount:prod:deployer'
const pod = {
  sub,
  'kubernetes.io': {
    namespace: 'prod',
    pod: { name: 'deployer-7d9f', uid: 'a3a1c9d2' },
    serviceaccount: { name: 'deployer', uid: '5b1e' },
  },
}

const broker = await sharedBroker({
  settings: ({ issuer }) => ({
    issuers: {
      sandbox: { preset: 'kubernetes', issuer: issuer.url, token: { file: './cluster.token' } },
    },
  }),
  files: {
    ...agentFiles('deployer', {
      match: [
        {
          issuer: 'sandbox',
          subject: sub,
          claims: { 'kubernetes.io': { namespace: 'prod', pod: { name: 'deployer-*' } } },
        },
      ],
    }),
    'cluster.token': `${bearer}\n`,
  },
})
broker.sandbox.issuer.settings.apiServer = { bearer }

test('its keys are read in its own media type, with the token that the issuer is given', async () => {
  const { status, body } = await broker.open({}, pod)
  expect(status).toBe(201)
  expect(body.agent).toBe('deployer')
})

test('one token of a pod opens one task after another', async () => {
  const token = await broker.workload(pod)
  const body = { purpose: 'a step', authorization_details: [readWeb], ttl: 60 }
  for (const purpose of ['one step', 'another']) {
    const { status } = await broker.call('POST', '/v1/tasks', { token, body: { ...body, purpose } })
    expect(status).toBe(201)
  }
})

test.each([
  ['namespace', { ...pod['kubernetes.io'], namespace: 'dev' }],
  ['pod', { ...pod['kubernetes.io'], pod: { name: 'web-1', uid: 'a3a1c9d2' } }],
])('another %s is no agent', async (_what, claims) => {
  expectRefusal(await broker.open({}, { sub, 'kubernetes.io': claims }), 403, 'unknown_agent')
})

test('a cluster that no longer takes the token is an issuer without an answer that can be trusted', async () => {
  await broker.stop()
  await writeFile(join(broker.directory, 'cluster.token'), 'the token before\n')
  await broker.start()
  expectRefusal(await broker.open({}, pod), 401, 'invalid_token')
  await writeFile(join(broker.directory, 'cluster.token'), `${bearer}\n`)
})
