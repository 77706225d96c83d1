/** What a holder of a token can make with it that the token's end does not end. */
import { covers, meet } from './patterns.ts'
import type { Rule } from './policy-text.ts'

/** One kind of it, and where it is made. */
interface Kind {
  what: string
  /** Patterns: `+` one segment, `**` one or more. */
  where: string[]
  /** Any of these lets it be made. */
  by: string[]
  /** Needed besides. */
  also?: string
  /**
   * Engines may be mounted anywhere, so that only these names tell: a mount's beginning
   * of such, or what a rule says literally.
   */
  engine?: { mount: RegExp; literal: RegExp }
}

const writing = ['create', 'update', 'patch']
const anyWay = ['read', ...writing]

/**
 * Sources: OpenBao's `token_store.go` (children end with their parent, orphans do
 * not, and `no_parent` takes sudo), "Response wrapping", "AppRole", "PKI", "AWS",
 * "Google Cloud", "Kubernetes" and "Identity tokens".
 */
const kinds: Kind[] = [
  { what: 'orphan tokens', where: ['auth/token/create-orphan', 'auth/token/create/+'], by: writing },
  { what: 'orphan tokens', where: ['auth/token/create'], by: writing, also: 'sudo' },
  { what: 'token roles', where: ['auth/token/roles/+'], by: writing },
  {
    what: 'AppRole secret ids',
    where: ['auth/**/role/+/secret-id', 'auth/**/role/+/custom-secret-id'],
    by: writing,
  },
  {
    what: 'logins',
    where: [
      ...['role', 'roles', 'users', 'groups', 'certs', 'map'].map((kind) => `auth/+/${kind}/+`),
      'auth/+/config',
      'sys/auth/**',
    ],
    by: writing,
  },
  { what: 'entities, groups and aliases', where: ['identity/**'], by: writing },
  { what: 'signed identity tokens', where: ['identity/oidc/token/+'], by: ['read'] },
  {
    what: "Vault's own policies and mounts",
    where: ['sys/policy/+', 'sys/policies/+/+', 'sys/mounts/**', 'sys/namespaces/**'],
    by: writing,
  },
  { what: 'wrapped responses', where: ['sys/wrapping/wrap', 'sys/wrapping/rewrap'], by: writing },
  {
    what: 'certificates and signatures',
    where: ['issue', 'sign', 'sign-verbatim'].flatMap((verb) => [`**/${verb}`, `**/${verb}/+`]),
    by: anyWay,
    engine: {
      mount: /^(?:pki|ssh)/,
      literal: /\/(?:issue|sign|sign-verbatim|sign-intermediate|sign-self-issued)(?:\/|\*|$)/,
    },
  },
  {
    what: 'sessions of a cloud',
    where: ['**/creds/+', '**/sts/+', '**/token/+', '**/token'],
    by: anyWay,
    engine: {
      mount: /^(?:aws|gcp|kubernetes|k8s)/,
      literal: /\/(?:sts|(?:roleset|static-account|impersonated-account)\/[^/]+\/token)(?:\/|\*|$)/,
    },
  },
]

/** Each kind that the rules open, with the patterns of the rules that do: `orphan tokens (auth/token/*)`. */
export function opened(rules: readonly Rule[]): string[] {
  const found = new Map<string, Set<string>>()
  for (const kind of kinds)
    for (const rule of rules)
      if (opens(rule, kind, rules)) found.set(kind.what, (found.get(kind.what) ?? new Set()).add(rule.path))
  return [...found].map(([what, paths]) => `${what} (${[...paths].join(', ')})`)
}

function opens(rule: Rule, { where, by, also, engine }: Kind, rules: readonly Rule[]): boolean {
  const { path, capabilities } = rule
  if (!by.some((each) => capabilities.includes(each))) return false
  if (also !== undefined && !capabilities.includes(also)) return false
  if (engine && !isOf(engine, path)) return false
  return where.some(
    (target) => meet(path, target) && !isTokenStore(path, target) && !isDenied(target, rule, rules),
  )
}

/** The token store is mounted below `auth` too, and is none of the methods that a target means. */
function isTokenStore(path: string, target: string): boolean {
  return path.startsWith('auth/token/') && /^auth\/[+*]/.test(target)
}

function isOf({ mount, literal }: NonNullable<Kind['engine']>, path: string): boolean {
  const [first = ''] = path.split('/')
  return mount.test(first) || /[*+]/.test(first) || literal.test(path)
}

/** Of two rules the more specific one counts ("Priority matching"), and of one pattern's `deny` beats all else. */
function isDenied(target: string, { path, capabilities }: Rule, rules: readonly Rule[]): boolean {
  if (capabilities.includes('deny')) return true
  const denials = rules.filter((rule) => rule.capabilities.includes('deny'))
  return denials.some((denial) => covers(denial.path, target) && covers(path, denial.path))
}
