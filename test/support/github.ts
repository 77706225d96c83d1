/** Which of the requests to GitHub a fault is to strike. */
import type { RequestLine } from '../../src/sandbox/faults.ts'

export const mints = ({ method, path }: RequestLine) => method === 'POST' && path.endsWith('/access_tokens')
export const revokes = ({ method, path }: RequestLine) =>
  method === 'DELETE' && path === '/installation/token'
export const probes = ({ method, path }: RequestLine) =>
  method === 'GET' && path === '/installation/repositories'
export const looksUp = ({ method, path }: RequestLine) =>
  method === 'GET' && path.startsWith('/repos/') && path.endsWith('/installation')
