/**
 * `fetch` that looks at no certificate. For one purpose: to be told a CA whose fingerprint is known.
 * Nothing secret may be sent with it, and nothing that comes back be believed for having come.
 */
export const fetchUnverified: typeof globalThis.fetch = async (input, init) => {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } })
  // The platform's own fetch is the same code with types of its own.
  return (await fetch(input as string, { ...(init as object), dispatcher })) as unknown as Response
}
