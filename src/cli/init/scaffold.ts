import { providers } from '../../../providers/catalog.ts'

/**
 * What `init` writes, as text by path. It must compile once what nobody else can
 * know is filled in, and until then let nobody in.
 *
 * `reviewBy` is the example agent's, `YYYY-MM-DD`.
 */
export function scaffold(reviewBy: string): Record<string, string> {
  return {
    'mayfly.yaml': configuration(),
    'agents/refactor-bot.yaml': agent(reviewBy),
    'policies/refactor-bot.cedar': policy,
    '.gitignore': ignored,
  }
}

const configuration =
  () => `# Mayfly's configuration. Paths are relative to this file; a secret is { file: PATH } or { env: NAME }.
# Check it with: mayfly validate -c mayfly.yaml

# The public base URL. It is also the audience that workloads' tokens must have.
# http:// is for this machine only: in production, write https://mayfly.YOUR.DOMAIN.
url: http://127.0.0.1:8420
# A public address needs \`tls: { cert: ./cert.pem, key: ./key.pem }\`, or \`trusted_proxies\` that do TLS.
listen: 127.0.0.1:8420

store: sqlite:./mayfly.db

# Seals what has to be kept of live credentials, and makes the audit record tamper-evident.
# To change the key, put a new one first and keep the old one behind it.
seal:
  keys:
    - { id: k1, secret: { file: ./seal.key } }

agents: ./agents # *.yaml
policies: ./policies # *.cedar

# Whose tokens are believed. Agents refer to an issuer by its name here.
issuers:
  workloads:
    # GitHub Actions: https://token.actions.githubusercontent.com; GitLab: https://gitlab.com
    # Kubernetes: what \`kubectl get --raw /.well-known/openid-configuration\` says. Others: docs/identities.md
    # A platform's \`preset\` knows how its tokens are given out: github-actions, gitlab, kubernetes, …
    # preset: github-actions
    issuer:

# Where credentials come from.
providers:
${connections()}
# The humans who can look, approve and stop. They need an issuer of their own above, for example:
# admins:
#   - name: security
#     issuer: okta
#     audience: https://mayfly.YOUR.DOMAIN/admin
#     claims: { groups: security }
#     may: [read, approve, revoke, suspend]

# Who is told of approvals that wait, and of what goes wrong: webhooks, Slack, Teams (docs/notifications.md).
# notify:
#   - name: security-chat
#     kind: slack
#     url: https://hooks.YOUR.DOMAIN/mayfly # where it is itself a secret: { file: ./slack.url }

# What one agent or address can take up; these are the defaults.
# limits:
#   requests_per_minute: { agent: 1200, address: 6000 }
#   failures_per_minute: { address: 300 }
#   live_leases: { task: 50, agent: 500 }
#   open_tasks: 1000 # of one agent
#   pending_approvals: 50 # of one agent
#   approval_window: 3600 # seconds
`

/** The first provider is there to be filled in, the others to be taken out of their comments. */
function connections(): string {
  const [first, ...others] = providers.map(({ starter }) => starter)
  const offered = `Roles and paths have the class that policies see: read, write, deploy, secrets or admin. What is not
declared here cannot be asked for.
${others.join('')}`
  return indented(first ?? '', '  ') + indented(offered, '  # ')
}

function indented(text: string, by: string): string {
  return text.replaceAll(/^(?=.)/gm, by)
}

const agent = (reviewBy: string) => `# An agent: a governed identity of something that is not a human.
name: refactor-bot
# The human who answers for it, by the verified email or the sub of their token: whoever owns it does not
# approve for it, so it has to be one person, and no team's address.
owner: ada@acme.example
purpose: Opens refactoring pull requests
environment: dev
# From the next day on its requests are refused, until its owner has looked at it again.
review_by: ${reviewBy}
# Seconds: the longest life of one of its tasks.
max_ttl: 3600
# Which tokens are its. Any rule may match; within a rule everything must.
match:
  - issuer: workloads
    # By the repository's id, which nobody else gets when its name is given up. GitHub writes the subject in
    # two forms, repo:OWNER/REPO:… and, of repositories made or renamed since July 2026,
    # repo:OWNER@ID/REPO@ID:…; a rule by ids matches both. No repository has the id 0, so nobody
    # matches before you put in yours: gh api repos/OWNER/REPO --jq .id
    claims: { repository_id: '0', ref: refs/heads/main }
`

const policy = `// What agents may do, in Cedar. What no policy permits is denied, and \`forbid\` wins.

// The actions are github.PERMISSION.LEVEL, in the groups read, write, deploy, secrets and admin.
@id("refactor-bot-works-on-web")
permit (
  principal == Mayfly::Agent::"refactor-bot",
  action in [Mayfly::Action::"read", Mayfly::Action::"write"],
  resource == Mayfly::GithubRepository::"acme/web"
)
when { context.ttl <= 3600 };

// Whoever can deploy and read secrets can carry them away.
@id("no-secrets-with-deploy")
forbid (principal, action, resource)
when { context.held.containsAll(["deploy", "secrets"]) };
`

const ignored = `# Secrets, and what the broker keeps.
seal.key
*.pem
*.token
slack.url
mayfly.db*
`
