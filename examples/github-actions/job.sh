#!/usr/bin/env bash
# The step of a GitHub Actions job, with nothing but curl and jq: its identity becomes a token
# for acme/web alone, which is dead when the step ends, however it ends.
# The runner sets all of its variables but MAYFLY_URL, if the job has `id-token: write`.
set -euo pipefail

identity=$(curl -fsS "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$MAYFLY_URL" \
  -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" | jq -er .value)

# An identity opens one task. With a key the same request can be sent again when its answer was lost
# or the broker asked to come back: it resumes that task, and what was minted before is revoked.
answers=$(curl -sS --retry 3 --retry-connrefused "$MAYFLY_URL/oauth/token" \
  -H "Idempotency-Key: ${GITHUB_RUN_ID:-0}-${GITHUB_RUN_ATTEMPT:-1}" \
  --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
  --data-urlencode subject_token="$identity" \
  --data-urlencode subject_token_type=urn:ietf:params:oauth:token-type:jwt \
  --data-urlencode purpose="${GITHUB_WORKFLOW:-a job} in ${GITHUB_REPOSITORY:-a repository}" \
  --data-urlencode ttl=600 \
  --data-urlencode authorization_details='[{"type":"github","repositories":["acme/web"],"permissions":{"contents":"read"}}]')

# One answer an attempt: the last one counts.
if ! GH_TOKEN=$(jq -ers 'last | .access_token // empty' <<<"$answers"); then
  jq -rs 'last | "\(.error): \(.error_description)"' <<<"$answers" >&2
  exit 1
fi
# Asked again while upstream has not let it die; when it still has not, the step fails.
trap 'curl -fsS --retry 5 "$MAYFLY_URL/oauth/revoke" --data-urlencode token="$GH_TOKEN"' EXIT
echo "::add-mask::$GH_TOKEN"

# The work.
curl -fsS "$GITHUB_API_URL/repos/acme/web" -H "Authorization: Bearer $GH_TOKEN" | jq -r .full_name
