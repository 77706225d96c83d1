/** `mayfly completion`: a script for the shell, made of the tree of commands. */
import { type Command, Option } from 'commander'
import { withJson } from './options.ts'

const shells = { bash, zsh, fish } as const
type Shell = keyof typeof shells

export function register(program: Command): void {
  withJson(program.command('completion'))
    .summary('print a completion script for a shell')
    .description('Prints a script with which bash, zsh or fish complete mayfly as it is typed.')
    .argument('<shell>', Object.keys(shells).join(', '))
    .addHelpText(
      'after',
      `
Examples:
  source <(mayfly completion bash)                     # in ~/.bashrc
  source <(mayfly completion zsh)                      # in ~/.zshrc, behind compinit
  mayfly completion fish > ~/.config/fish/completions/mayfly.fish`,
    )
    .action(async (shell: string, options: { json?: boolean }, command: Command) => {
      if (!Object.hasOwn(shells, shell))
        command.error(`error: ${shell} is not one of ${Object.keys(shells).join(', ')}`)
      // Loaded only now: it loads every command, this one among them.
      const { createProgram } = await import('./program.ts')
      const script = shells[shell as Shell](wordsOf(await createProgram()))
      process.stdout.write(options.json ? `${JSON.stringify({ script })}\n` : script)
    })
}

/** What may follow one command: its subcommands, its options, and the values of those that have only some. */
interface Words {
  /** As it is typed, `admin leases`; empty for none. */
  command: string
  subcommands: { name: string; summary: string }[]
  options: { flag: string; description: string; choices: readonly string[]; takesValue: boolean }[]
}

function wordsOf(command: Command, typed = ''): Words[] {
  const subcommands = command.commands.map((each) => ({ name: each.name(), summary: each.summary() }))
  const options = [...command.options, new Option('--help', 'display help for command')].map((option) => ({
    flag: option.long ?? option.short ?? '',
    description: option.description,
    choices: option.argChoices ?? [],
    takesValue: option.required || option.optional,
  }))
  return [
    { command: typed, subcommands, options },
    ...command.commands.flatMap((each) => wordsOf(each, `${typed} ${each.name()}`.trim())),
  ]
}

/** Finds the command among the words so far: the longest path of subcommands at their beginning. */
const bashFunction = `_mayfly() {
  local word typed="" candidate previous="\${COMP_WORDS[COMP_CWORD-1]}" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [ "$word" = -- ] && return
    candidate="\${typed:+$typed }$word"
    [ -n "$(_mayfly_words "$candidate")" ] || continue
    typed="$candidate"
  done
  local values
  values="$(_mayfly_values "$typed $previous")"
  if [ -n "$values" ]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
    [ "$values" = __file ] && COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  COMPREPLY=($(compgen -W "$(_mayfly_words "$typed")" -- "$current"))
}
complete -o default -F _mayfly mayfly
`

function bash(all: Words[]): string {
  const words = all.map(
    ({ command, subcommands, options }) =>
      `    ${quoted(command)}) echo ${quoted([...subcommands, ...options.map(({ flag: name }) => ({ name }))].map(({ name }) => name).join(' '))};;`,
  )
  const values = all.flatMap(({ command, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(
        ({ flag, choices }) =>
          `    ${quoted(`${command} ${flag}`)}) echo ${quoted(choices.length > 0 ? choices.join(' ') : '__file')};;`,
      ),
  )
  return `_mayfly_words() {
  case "$1" in
${words.join('\n')}
  esac
}
_mayfly_values() {
  case "$1" in
${values.join('\n')}
  esac
}
${bashFunction}`
}

/** Zsh runs the script of bash as its own manual says (bashcompinit). */
function zsh(all: Words[]): string {
  return `#compdef mayfly
autoload -U +X bashcompinit && bashcompinit
${bash(all)}`
}

function fish(all: Words[]): string {
  const lines = all.flatMap(({ command, subcommands, options }) => {
    const path = command === '' ? [] : command.split(' ')
    const names = subcommands.map(({ name }) => name)
    const at = [
      ...path.map((word) => `__fish_seen_subcommand_from ${word}`),
      ...(names.length > 0 ? [`not __fish_seen_subcommand_from ${names.join(' ')}`] : []),
    ].join('; and ')
    const where = at === '' ? '' : ` -n ${quoted(at)}`
    return [
      ...subcommands.map(
        ({ name, summary }) => `complete -c mayfly -f${where} -a ${name} -d ${quoted(summary)}`,
      ),
      ...options.map(
        ({ flag, description, choices, takesValue }) =>
          `complete -c mayfly${where} -l ${flag.replace(/^-+/, '')} -d ${quoted(description)}${takesValue ? ' -r' : ''}${choices.length > 0 ? ` -f -a ${quoted(choices.join(' '))}` : ''}`,
      ),
    ]
  })
  return `${lines.join('\n')}\n`
}

/** For a shell: one word. */
function quoted(text: string): string {
  return `'${text.replaceAll(/\s+/g, ' ').replaceAll("'", "'\\''")}'`
}
