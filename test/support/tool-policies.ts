/** Policies about tools, as assistants' hooks meet them: any call, but no forced push by `tool`. */
import type { Files } from '../../src/sandbox/configuration.ts'

export const noForcedPush = (tool: string): Files => ({
  'policies/tools.cedar': `
@id("tools") permit (principal, action in Mayfly::Action::"tool", resource);
@id("no-force") @description("Nobody rewrites history")
forbid (principal, action == Mayfly::Action::"tool.${tool}", resource)
when { context.request.hasTag("command") && context.request.getTag("command") like "git push*--force*" };`,
})
