/** Calls by which a session could go on as something else than itself. */

/**
 * What no session may do, whatever its role may: go on as another session, out of
 * reach of its own revocation; get a token that outlives it; or undo its
 * revocation, for which it would have the time until that is in force everywhere.
 * Of STS that leaves what only identifies, `GetCallerIdentity` and
 * `GetAccessKeyInfo`: the one cannot be denied, the other tells an account's number.
 */
export const alwaysDenied = [
  'iam:*',
  'sts:A*',
  'sts:D*',
  'sts:GetD*',
  'sts:GetF*',
  'sts:GetSession*',
  'sts:GetW*',
  'sts:S*',
  'sts:T*',
]

/**
 * What hands out credentials of another kind: AWS keys, a token, certificate or
 * signed address that some service takes in their place ("Service Authorization
 * Reference", by the answers of these calls). They live by rules of their own, and
 * no deny on the role reaches them. A role may be let have some (`vending`).
 */
export const vendingActions = [
  'acm-pca:IssueCertificate',
  'airflow:Create*Token',
  'appstream:Create*URL',
  'athena:*Presigned*',
  'bedrock-agentcore:Get*Token*',
  'bedrock-agentcore:GetResourceApiKey',
  'codeartifact:GetAuthorizationToken',
  'codeconnections:GetConnectionToken',
  'codepipeline:Get*JobDetails',
  'codepipeline:PollFor*',
  'codestar-connections:GetConnectionToken',
  'cognito-identity:Get*',
  'connect:*Token*',
  'datazone:Get*Credentials',
  'deadline:Assume*',
  'ecr-public:GetAuthorizationToken',
  'ecr:GetAuthorizationToken',
  'eks-auth:*',
  'elasticmapreduce:*Presigned*',
  'elasticmapreduce:Get*Credentials',
  'emr-containers:Get*Credentials',
  'emr-serverless:GetDashboard*',
  'gamelift:Get*Access',
  'gamelift:GetComputeAuthToken',
  'gamelift:RequestUploadCredentials',
  'grafana:Create*Key',
  'grafana:Create*Token',
  'iot:*WithCertificate',
  'iot:Create*Cert*',
  'lakeformation:GetTemporary*',
  'lightsail:Create*AccessKey',
  'lightsail:Create*Login',
  'lightsail:Get*AccessDetails',
  'quicksight:*EmbedUrl*',
  'redshift-serverless:Get*AuthToken',
  'redshift-serverless:GetCredentials',
  'redshift:Get*AuthToken',
  'redshift:GetClusterCredentials*',
  'rolesanywhere:*',
  's3:GetDataAccess',
  's3express:CreateSession',
  'sagemaker:*Presigned*',
  'sagemaker:StartSession',
  'signin:*',
  'ssm:CreateActivation',
  'sso-oauth:*',
  'sso:GetRoleCredentials',
  'sts:GetServiceBearerToken',
  'workmail:Assume*',
] as const

export type VendingAction = (typeof vendingActions)[number]
