/** Its entry in what `mayfly init` writes. */
export const starter = `vault:
  - name: main
    address: https://vault.YOUR.DOMAIN
    auth: { jwt: { mount: jwt, role: mayfly } } # or { token: { env: VAULT_TOKEN } }
    # A path whose engine takes nothing back, as sessions of AWS, needs revocation: expiry.
    paths: [{ path: database/creds/readonly, class: read, policies: [db-readonly] }]
    policies: [{ name: ci-read, class: read }]
`
