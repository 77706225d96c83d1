/** Its entry in what `mayfly init` writes. */
export const starter = `github:
  - name: main
    # Of a GitHub App of yours: Settings, Developer settings, GitHub Apps.
    app_id:
    private_key: { file: ./app.pem }
    # The accounts that it is installed on.
    owners: [acme]
`
