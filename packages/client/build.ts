/** Builds the package: the client's commands and all that they need in one folder, so that nothing is installed besides. */
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** What the client has in place of what needs the broker. */
const replaced = new Map([
  [at('../../src/cli/commands.ts'), at('commands.ts')],
  [at('../../src/cli/admin/offline.ts'), at('offline.ts')],
  [at('../../src/cli/whoami/held.ts'), at('held.ts')],
])

await rm(at('dist'), { recursive: true, force: true })
const bundle = await rolldown({
  input: at('../../src/cli/main.ts'),
  platform: 'node',
  // The oldest that the client is for knows no `using`.
  transform: { target: 'node20' },
  // Of what is imported and not used nothing is to stay: the log is the broker's.
  treeshake: { moduleSideEffects: (id) => !/node_modules\/(?:pino|zod)\//.test(id) },
  plugins: [
    {
      name: 'the client alone',
      async resolveId(source, importer) {
        if (!/\/(?:commands|offline|held)\.ts$/.test(source)) return null
        const found = await this.resolve(source, importer, { skipSelf: true })
        return replaced.get(found?.id ?? '') ?? null
      },
    },
  ],
})
await bundle.write({ dir: at('dist'), format: 'esm' })
