import { afterEach, expect, test } from 'vitest'
import { connect } from '../../providers/aws/connect.ts'
import { connectAws, deploys, patient } from '../support/aws-sandbox.ts'

afterEach(() => delete process.env['AWS_ENDPOINT_URL_STS'])

test("an endpoint in the SDK's environment is not spoken to in clear", async () => {
  const upstream = await connectAws()
  process.env['AWS_ENDPOINT_URL_STS'] = 'http://sts.example.invalid'
  const connection = connect({ ...upstream.config, endpoints: {} }, upstream.context)
  await expect(connection.mint(deploys, upstream.intentOf(deploys), patient())).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('not https'),
    maybeDone: false,
  })
})
