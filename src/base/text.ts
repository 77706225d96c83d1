/**
 * Text that people read: on a terminal, in a log, before they say yes. What it shows has to be
 * what it is, so nothing in it may steer the terminal, reorder what is shown, or show nothing.
 */

/**
 * Control characters, what ends a line or turns the direction of writing (CVE-2021-42574), and
 * what has no shape of its own: zero-width characters, fillers, tags. U+FE0E and U+FE0F are not
 * among them, with which most emoji are written. As the inside of a character class without a
 * flag, because JSON Schema's patterns have none; `\udb40` begins every tag.
 */
const hidden =
  String.raw`\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f` +
  String.raw`\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\udb40`

/** What shows as it is, to the last character. */
export const shown = new RegExp(`^[^${hidden}]*$`)

/** Whether it is one line that a human reads: what it shows is what it is, without space around it. */
export function isLine(text: string): boolean {
  return text.length > 0 && text.trim() === text && !/\p{C}/u.test(text) && shown.test(text)
}

/** Whether every text in it, names of members too, shows as it is. */
export function allShown(value: unknown): boolean {
  if (typeof value === 'string') return shown.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => shown.test(name) && allShown(member))
}

/** The same, wherever it comes from, and whatever has no meaning yet besides. */
const unseen = /[[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\ufe0e\ufe0f]]/gv

/** With what does not show as its code point: `\u{202e}`. */
export function visible(text: string): string {
  return text.replaceAll(unseen, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

/** The same JSON, in lines as it was, with what does not show as JSON itself writes it: `\u202e`. */
export function visibleJson(json: string): string {
  return json.replaceAll(unseen, (character) => (character === '\n' ? character : escaped(character)))
}

function escaped(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}
