/** What the files under `deploy/` name, held against the program, the image and each other. */
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { providers } from '../../providers/catalog.ts'
import { scaffold } from '../../src/cli/init/scaffold.ts'
import { createProgram } from '../../src/cli/program.ts'
import { operationsPaths } from '../../src/http/operations.ts'
import { stagesOf, textsOf } from '../support/containerfile.ts'
import { load } from '../support/installation.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
// oxlint-disable-next-line no-explicit-any -- what is not there fails the test
type Any = any
const manifest = (file: string): Any => parse(read(`deploy/kubernetes/${file}`))
const compose: Any = parse(read('deploy/compose.yaml'), { merge: true })
const settings: Any = parse(read('deploy/mayfly.yaml'))
const [build = [], image = []] = stagesOf(join(root, 'Containerfile'))
const { bin, scripts, engines, devDependencies }: Any = JSON.parse(read('package.json'))
const one = (name: string) => textsOf(image, name)[0] ?? ''

const program = await createProgram()
const port = one('EXPOSE')
const [main, ...arguments_]: string[] = [...JSON.parse(one('ENTRYPOINT')), ...JSON.parse(one('CMD'))].slice(1)
const volumes: string[] = JSON.parse(one('VOLUME'))
const user = one('USER')
const has = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0
/** Where the files of a configuration are mounted. */
const directory = '/etc/mayfly'

/** The command that is named. Complains about what names none of the program, or an option that it does not have. */
function expectCommand(line: string, words: readonly string[]): Command {
  let command: Command = program
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word)
    if (next) command = next
    else if (command.commands.length > 0 && !word.startsWith('-'))
      throw new Error(`${line}: no command ${word}`)
    const option = /^--?[a-z][a-z-]*/.exec(word)?.[0]
    if (option && option !== '--json')
      expect(
        command.options.flatMap(({ short, long }) => [short, long]),
        line,
      ).toContain(option)
  }
  return command
}

test('the image runs the program as a user that is not root, on the port and paths of its configuration', () => {
  expect(user).toMatch(/^([1-9]\d+):\1$/)
  expect(main).toBe(join(one('WORKDIR'), bin.mayfly))
  expectCommand('CMD', arguments_)
  expect(arguments_).toContain(`${directory}/mayfly.yaml`)
  expect(settings.listen).toBe(`0.0.0.0:${port}`)
  expect(settings.store).toEqual({ file: './secrets/database-url' })
  expect(volumes).toContain(join(settings.audit.last_head, '..'))
  for (const volume of volumes) expect(textsOf(image, 'RUN').join()).toContain(volume)
  expect(one('RUN')).toContain(`install -d -o ${user.split(':')[0]} -g ${user.split(':')[0]}`)
  expect(one('STOPSIGNAL')).toBe('SIGTERM')
  expect(one('HEALTHCHECK')).toContain(`http://127.0.0.1:${port}/healthz`)
})

test('it is built from what is there, by scripts that there are, on the Node.js that the program needs', () => {
  for (const stage of [build, image]) {
    const [, version] = /node:(\d+)/.exec(textsOf(stage, 'FROM')[0]!) ?? []
    expect(devDependencies.node).toMatch(RegExp(`^\\^${version}\\.`))
    expect(Number(version)).toBeGreaterThanOrEqual(Number(engines.node.replace('>=', '')))
  }
  for (const command of textsOf(build, 'RUN')) {
    const [, script] = /^npm run (\S+)$/.exec(command) ?? []
    if (script) expect(scripts).toHaveProperty(script)
    else expect(['npm ci', 'npm prune --omit=dev']).toContain(command)
  }
  const copied = textsOf(image, 'COPY').map((text) => text.split(' ')[1]!.replace('/src/', ''))
  expect(copied).toEqual(['package.json', 'node_modules', 'dist'])
  // Neither a secret nor a store that lies about gets into it.
  const ignored = read('.dockerignore')
  for (const pattern of ['**/*.key', '**/*.pem', '**/*.db', '.git', '**/node_modules'])
    expect(ignored.split('\n')).toContain(pattern)
})

test('the configuration of the containers goes with the agent and the policy of `init`, once its secrets are there', async () => {
  const { 'mayfly.yaml': _replaced, ...written } = scaffold('2027-06-30')
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const { configuration, faults } = await load(
    {
      'mayfly.yaml': settings,
      'seal.key': undefined,
      'secrets/database-url': 'postgres://mayfly:example@database/mayfly?sslmode=disable',
      'secrets/seal.key': Buffer.alloc(32, 7).toString('base64'),
      'secrets/app.pem': pem.export({ type: 'pkcs1', format: 'pem' }),
      'policies/none.cedar': undefined,
      ...written,
    },
    { providers: [...providers] },
  )
  expect(faults).toEqual([])
  expect(configuration).toBeDefined()
})

test('Compose: three brokers and their database, confined, by the paths, network and port of image and configuration', () => {
  const { proxy, database, 'broker-1': broker, ...others } = compose.services
  const { build: built, ...alike } = broker
  expect(others).toEqual({ 'broker-2': alike, 'broker-3': alike })
  // By one of them alone: two that build one image at once may fail.
  expect(built).toEqual({ context: '..', dockerfile: 'Containerfile' })
  expect(broker).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' })
  expect(broker.depends_on.database.condition).toBe('service_healthy')
  // Of the two networks only the brokers are in both: nobody else reaches the database.
  expect([broker.networks, database.networks, proxy.networks]).toEqual([
    ['front', 'back'],
    ['back'],
    ['front'],
  ])
  expect(compose.networks.back.internal).toBe(true)
  const mounts = new Map<string, string>(broker.volumes.map((each: string) => each.split(':').slice(0, 2)))
  expect([...mounts].filter(([, to]) => volumes.includes(to)).map(([from]) => from)).toEqual(['head'])
  for (const name of ['mayfly.yaml', settings.agents, settings.policies, './secrets'])
    expect([...mounts.values()]).toContain(join(directory, name))
  for (const { secret } of settings.seal.keys) expect(secret.file).toMatch(/^\.\/secrets\//)
  for (const [from, to] of mounts)
    if (to.startsWith(directory)) expect(broker.volumes).toContain(`${from}:${to}:ro`)
  expect(broker.expose).toEqual([port])
  expect(broker.ports).toBeUndefined()
  expect(settings.trusted_proxies).toEqual([compose.networks.front.ipam.config[0].subnet])
  const { content } = compose.configs[proxy.configs[0].source]
  expect(content).toContain(`reverse_proxy broker-1:${port} broker-2:${port} broker-3:${port} {`)
  expect(content).toContain(`${new URL(settings.url).host} {`)
})

test('Compose: the proxy asks each broker whether it answers, and waits for as long as an answer may take', () => {
  const { content } = compose.configs[compose.services.proxy.configs[0].source]
  const directive = (name: string) => RegExp(`^ *${name} (.*)$`, 'm').exec(content)?.[1] ?? ''
  // Caddy does not ask what it finds by DNS (`dynamic`).
  expect(content).not.toContain('dynamic')
  expect(operationsPaths).toContain(directive('health_uri'))
  expect(directive('health_uri')).toBe('/healthz')
  const noticed =
    Number.parseInt(directive('health_interval'), 10) * Number(directive('health_fails')) +
    Number.parseInt(directive('health_timeout'), 10)
  expect(read('docs/operating.md')).toContain('seven seconds with the Compose and Kubernetes files')
  expect(noticed).toBe(7)
  // `?wait=60`, and idle connections that the broker closes first.
  expect(Number.parseInt(directive('response_header_timeout'), 10)).toBeGreaterThan(60)
  expect(Number.parseInt(directive('keepalive'), 10)).toBeLessThan(75)
})

/** Whether there is one that the pages say will do. */
function hasCaddy(): boolean {
  const [, major, minor] =
    /(\d+)\.(\d+)/.exec(spawnSync('caddy', ['version'], { encoding: 'utf8' }).stdout) ?? []
  return Number(major) === 2 && Number(minor) >= 8
}

test('the pages say which Caddy will do', () => {
  expect(read('docs/deploying.md')).toContain('A Caddy of your own has to be 2.8 or later')
})

test.skipIf(!hasCaddy())('Caddy accepts it (where 2.8 or later is on PATH)', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mayfly-caddy-'))
  onTestFinished(() => rmSync(scratch, { recursive: true }))
  const file = join(scratch, 'Caddyfile')
  writeFileSync(file, compose.configs[compose.services.proxy.configs[0].source].content)
  const { stderr, status } = spawnSync('caddy', ['validate', '--adapter', 'caddyfile', '--config', file], {
    encoding: 'utf8',
    env: { ...process.env, XDG_DATA_HOME: scratch, XDG_CONFIG_HOME: scratch },
  })
  expect(status, stderr).toBe(0)
})

test('Compose: the role of the brokers is no superuser, and is the one that their URL names', () => {
  const { database } = compose.services
  expect(database.environment.POSTGRES_USER).toBeUndefined()
  const { source, target } = database.configs[0]
  expect(target).toMatch(/^\/docker-entrypoint-initdb\.d\/.*\.sql$/)
  const { content } = compose.configs[source]
  expect(content).toContain('CREATE DATABASE mayfly OWNER mayfly;')
  expect(content).not.toContain('SUPERUSER')
  // Compose puts the value of a variable in place of what follows a `$`.
  expect(content).not.toContain('$')
  expect(read('docs/deploying.md')).toContain('@database/mayfly?sslmode=disable')
})

test('each deployment gives a broker the memory that the operators are told of', () => {
  const [container] = manifest('broker.yaml').spec.template.spec.containers
  const [, told] = /\*\*Memory\.\*\* (\d+) MiB/.exec(read('docs/operating.md')) ?? []
  expect({
    compose: compose.services['broker-1'].mem_limit,
    kubernetes: container.resources.limits.memory,
    systemd: setting('MemoryMax'),
  }).toEqual({ compose: `${told}m`, kubernetes: `${told}Mi`, systemd: `${told}M` })
})

test('Kubernetes: three brokers, confined, by the paths and port of image and configuration', () => {
  const { spec } = manifest('broker.yaml')
  const pod = spec.template.spec
  const [container] = pod.containers
  expect(spec.replicas).toBe(3)
  expect(container.args).toEqual(arguments_)
  expect(container.ports).toEqual([{ name: 'http', containerPort: Number(port) }])
  expect(spec.template.metadata.annotations['prometheus.io/port']).toBe(port)
  expect(operationsPaths).toContain(spec.template.metadata.annotations['prometheus.io/path'])
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    expect(operationsPaths).toContain(container[probe].httpGet.path)
    expect(container[probe].httpGet.port).toBe('http')
  }
  // What is restarted, or not reached, for granting nothing would not end what is alive.
  expect(container.livenessProbe.httpGet.path).toBe('/healthz')
  expect(container.readinessProbe.httpGet.path).toBe('/healthz')
  const { periodSeconds, timeoutSeconds, failureThreshold } = container.readinessProbe
  expect(periodSeconds * failureThreshold + timeoutSeconds).toBe(7)
  expect(`${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`).toBe(user)
  expect(pod.securityContext.runAsNonRoot).toBe(true)
  expect(container.securityContext).toEqual({
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  })
  const paths = container.volumeMounts.map(({ mountPath }: Any) => mountPath)
  expect(paths).toContain(join(settings.audit.last_head, '..'))
  for (const name of ['mayfly.yaml', settings.agents, settings.policies, './secrets'])
    expect(paths).toContain(join(directory, name))
  const claimed = spec.volumeClaimTemplates.map(({ metadata }: Any) => metadata.name)
  const defined = [...pod.volumes.map(({ name }: Any) => name), ...claimed]
  expect(new Set(container.volumeMounts.map(({ name }: Any) => name))).toEqual(new Set(defined))
  const [, seconds] = container.lifecycle.preStop.exec.command
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(Number(seconds) + 60)
})

test('Kubernetes: what selects the broker finds it, and all files are applied', () => {
  const { spec, metadata } = manifest('broker.yaml')
  const { labels } = spec.template.metadata
  const service = manifest('service.yaml')
  expect(service.spec.selector).toEqual(labels)
  expect(service.metadata.name).toBe(spec.serviceName)
  expect(service.spec.ports[0].targetPort).toBe('http')
  // A broker that stands still, or is about to stop, is not sent anything.
  expect(service.spec.publishNotReadyAddresses).toBeUndefined()
  for (const selector of [
    spec.selector,
    manifest('disruption-budget.yaml').spec.selector,
    manifest('network-policy.yaml').spec.podSelector,
  ])
    expect(selector).toEqual({ matchLabels: labels })
  // A budget that lets nothing be evicted would hold up every drain.
  expect(manifest('disruption-budget.yaml').spec).toMatchObject({ maxUnavailable: 1 })
  const files = readdirSync(join(root, 'deploy/kubernetes')).filter((file) => file !== 'kustomization.yaml')
  expect(manifest('kustomization.yaml').resources.toSorted()).toEqual(files.toSorted())
  expect(manifest('kustomization.yaml').namespace).toBe(manifest('namespace.yaml').metadata.name)
  expect(metadata.labels).toEqual(labels)
})

test('Kubernetes: the pod for what is done without a broker has what a broker has, and gets no requests', () => {
  const { spec, metadata } = manifest('../kubernetes-offline.yaml')
  const { spec: brokers, metadata: set } = manifest('broker.yaml')
  const pod = brokers.template.spec
  const [container] = spec.containers
  const { image, securityContext, volumeMounts, resources } = pod.containers[0]
  expect(container).toMatchObject({ image, securityContext, volumeMounts, resources })
  expect(spec.securityContext).toEqual(pod.securityContext)
  const head = { name: 'head', persistentVolumeClaim: { claimName: `head-${set.name}-0` } }
  const byName = (volumes: Any[]) => volumes.toSorted((one, other) => one.name.localeCompare(other.name))
  expect(byName(spec.volumes)).toEqual(byName([...pod.volumes, head]))
  expect(metadata.namespace).toBe(manifest('namespace.yaml').metadata.name)
  expect(metadata.labels).not.toEqual(brokers.selector.matchLabels)
})

test.skipIf(!has('kubectl', 'version', '--client'))(
  'Kustomize puts them together (where kubectl is on PATH)',
  () => {
    const built = execFileSync('kubectl', ['kustomize', join(root, 'deploy/kubernetes')], {
      encoding: 'utf8',
    })
    expect(built.split('\n---\n').map((each) => parse(each).kind)).toEqual(
      expect.arrayContaining(['Namespace', 'Service', 'StatefulSet', 'PodDisruptionBudget', 'NetworkPolicy']),
    )
  },
)

const unit = read('deploy/mayfly.service')
const setting = (name: string) => RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

test('systemd: it runs, reloads and is started again, and may write nothing but its state', () => {
  const [program, ...words] = setting('ExecStart').split(' ')
  expect(program).toMatch(/\/mayfly$/)
  expectCommand('ExecStart', words)
  expect(words).toContain(`${directory}/mayfly.yaml`)
  expect(setting('ExecReload')).toContain('-HUP')
  expect(setting('Restart')).toBe('always')
  expect(
    setting('StateDirectory')
      .split(' ')
      .map((name) => `/var/lib/${name}`),
  ).toEqual(volumes)
  expect(setting('User')).not.toBe('root')
  expect({ system: setting('ProtectSystem'), privileges: setting('NoNewPrivileges') }).toEqual({
    system: 'strict',
    privileges: 'true',
  })
  // V8 compiles at run time.
  expect(setting('MemoryDenyWriteExecute')).toBe('')
})

test.skipIf(!has('systemd-analyze', '--version'))('systemd accepts it (where it is on PATH)', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'mayfly-unit-'))
  onTestFinished(() => rmSync(scratch, { recursive: true }))
  const file = join(scratch, 'mayfly.service')
  writeFileSync(file, unit.replace('/usr/local/bin/mayfly', process.execPath))
  const { stderr, status } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
  expect({ said: stderr.split('\n').filter((line) => line.includes('mayfly.service')), status }).toEqual({
    said: [],
    status: 0,
  })
})

test.each(['docs/deploying.md', 'docs/upgrading.md', 'docs/operating.md'])(
  'each command that %s names is one, with the options that it has',
  (page) => {
    const text = read(page)
    const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, code = '']) => code)
    const commandsIn = (lines: string[]) =>
      lines
        .map((line) => line.replace(/\s+#.*$/, '').replaceAll(/'[^']*'/g, 'TEXT'))
        .flatMap(
          (line) =>
            /(?:^|sudo |-u mayfly |main\.js |--rm broker-1 )(?:mayfly |(?<=main\.js |broker-1 ))(.*?)(?: && .*| [|>] .*)?$/.exec(
              line,
            )?.[1] ?? [],
        )
    const wordsOf = (command: string) => command.split(' ').filter((word) => word !== '…' && word !== '')
    const pasted = commandsIn(blocks.join('\n').split('\n'))
    for (const command of pasted) {
      const words = wordsOf(command)
      for (const { long, mandatory, envVar } of expectCommand(command, words).options)
        if (mandatory && !envVar) expect(words, command).toContain(long)
    }
    const named = commandsIn([...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code))
    for (const command of named) expectCommand(command, wordsOf(command))
    expect(pasted.length + named.length).toBeGreaterThan(1)
    const files = [...text.matchAll(/\bdeploy\/[\w./-]*\w/g)].map(([path]) => path)
    expect(
      files.filter(
        (path) => !existsSync(join(root, path)) && !/deploy\/(?:agents|policies|secrets)/.test(path),
      ),
    ).toEqual([])
  },
)
