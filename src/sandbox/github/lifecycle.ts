import type { Attempt, Credential, Lifecycle } from '../lifecycle.ts'

/** GitHub, at the API's base `url`: an agent reads a file of a repository and adds one. */
export function githubLifecycle(
  url: string,
  { repository, endings }: Pick<Lifecycle, 'endings'> & { repository: string },
): Lifecycle {
  const call = async (
    credential: Credential,
    method: string,
    path: string,
    body?: object,
  ): Promise<Attempt> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        Authorization: `Bearer ${String(credential['token'])}`,
        'User-Agent': 'mayfly-demo',
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    await response.body?.cancel()
    const { status, ok } = response
    // A 403 or 404 would only say that this token may not do this.
    return {
      request: `${method} ${path}`,
      status,
      outcome: ok ? 'accepted' : status === 401 ? 'refused' : 'unclear',
    }
  }
  const read = (credential: Credential) => call(credential, 'GET', `/repos/${repository}/contents/README.md`)

  let written = 0
  return {
    endings,
    scope: { type: 'github', repositories: [repository], permissions: { contents: 'write' } },
    forbidden: { type: 'github', repositories: ['acme/docs'], permissions: { contents: 'write' } },
    attempt: read,
    work: async (credential) => [
      await read(credential),
      await call(credential, 'PUT', `/repos/${repository}/contents/notes/${(written += 1)}.md`, {
        message: 'Add a note',
        content: Buffer.from('Written by an agent.\n').toString('base64'),
      }),
    ],
  }
}
