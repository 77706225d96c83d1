/** The package's main export: credentials for a task, from a program. */
export {
  currentTask,
  CredentialsAlive,
  NotConfigured,
  openTask,
  Task,
  TaskNotApproved,
} from './client/task.ts'
export type { BrokerOptions, ChildOptions, CurrentTask, TaskOptions } from './client/task.ts'
export { BrokerProblem, BrokerUnreachable } from './client/problem.ts'
export { NoIdentity } from './client/identity.ts'
export type {
  AuthorizationDetail,
  CallOptions,
  Lease,
  MintedCredential,
  RetryOptions,
  Task as TaskState,
} from './client/client.ts'
export type { ErrorCode } from './base/errors.ts'
