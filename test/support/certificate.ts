import { generateKeyPairSync, sign } from 'node:crypto'

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  // X.690 §10.1: in as few bytes as it takes, or Go's programs do not read it.
  const size = body.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const extension = (id: string, value: Uint8Array) => sequence(oid(id), der(0x04, value))

const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
const basicConstraints = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))))
const loopback = der(0x87, Buffer.from([127, 0, 0, 1]))

/** A self-signed certificate for 127.0.0.1 and `names` (RFC 5280 §4.1), new each time, and its key. PEM. Good until `until`, a UTCTime. */
export function selfSigned(
  until = '491231235959Z',
  names: readonly string[] = [],
): { cert: string; key: string } {
  const alternative = names.map((host) => der(0x82, Buffer.from(host)))
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from('test')))))
  const validity = ['200101000000Z', until].map((time) => der(0x17, Buffer.from(time)))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ecdsaWithSha256,
    name,
    sequence(...validity),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(basicConstraints, extension('551d11', sequence(loopback, ...alternative)))),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey))
  const certificate = sequence(body, ecdsaWithSha256, signature).toString('base64')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
