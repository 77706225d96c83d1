/** Its entry in what `mayfly init` writes. */
export const starter = `aws:
  - name: prod
    region: eu-west-1
    revocation: deny-policy # or expiry, where Mayfly may not write policies of the roles
    web_identity: { role_arn: 'arn:aws:iam::123456789012:role/mayfly' } # default: the SDK's own credentials
    roles: [{ arn: 'arn:aws:iam::123456789012:role/deployer', class: deploy }]
`
