/** Of `fetch`, as much as calls to upstreams take; the platform's own fits too. */
export type UpstreamFetch = (input: string | URL, init?: UpstreamInit) => Promise<UpstreamResponse>

export interface UpstreamInit {
  method?: string
  headers?: [string, string][] | Record<string, string>
  body?: string | null
  signal?: AbortSignal
  /** Nothing is followed, whatever this says: it stands there for the platform's own `fetch`. */
  redirect?: 'manual'
}

/** An answer, whatever its status. */
export interface UpstreamResponse {
  readonly status: number
  /** By names in lower case; several of one name are joined. */
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null | undefined }
  text(): Promise<string>
}
