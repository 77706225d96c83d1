/** Four eyes: whether a human is the owner of an agent, known by e-mail address or by subject. */
export function isOwner(human: { subject: string; email: string | undefined }, owner: string): boolean {
  return [human.subject, human.email].some((name) => name?.toLowerCase() === owner.toLowerCase())
}
