import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { DCLinter } from 'dclint'
import { validate } from 'dockerfile-utils'
import packageJson from '../../package.json' with { type: 'json' }
import { readConfig } from '../../src/config.ts'
import { Environment } from '../../src/environment.ts'

const root = join(import.meta.dir, '../..')
const read = (file: string) => Bun.file(join(root, file)).text()

describe('.env.example', async () => {
  const lines = (await read('.env.example')).split('\n')
  const examples = lines.flatMap((line) => {
    const [, name, value] = /^#([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [{ name, value }]
  })
  const defaults: Record<string, unknown> = Environment.parse({})

  test('lists every variable that the server reads, once, and no other', () => {
    expect(examples.map(({ name }) => name).sort()).toEqual(Object.keys(Environment.shape).sort())
  })

  test.each(examples)('shows the default of $name', ({ name, value }) => {
    // The version is the manifest's, which changes.
    expect(value).toBe(name === 'APP_VERSION' ? '' : String(defaults[name] ?? ''))
  })

  test('changes nothing when all of it is uncommented', () => {
    const everything = Object.fromEntries(examples.map(({ name, value }) => [name, value]))
    expect(readConfig(everything)).toEqual(readConfig({}))
  })

  test('sets nothing as it is', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })
})

describe('docker-compose.yml', () => {
  const linter = new DCLinter({
    rules: {},
    quiet: false,
    debug: false,
    exclude: [],
  })

  test('follows the Compose specification', () => {
    // The first of its rules is the specification's own JSON schema.
    const [result] = linter.lintFiles([join(root, 'docker-compose.yml')], false)
    expect(result?.messages.map(({ line, rule, message }) => ({ line, rule, message }))).toEqual([])
  })

  test('gives the server only variables that it reads', async () => {
    const { services } = Bun.YAML.parse(await read('docker-compose.yml')) as Compose
    expect(Object.keys(services['app']?.environment ?? {}).filter((name) => !(name in Environment.shape))).toEqual([])
  })

  test('holds no secret: each must be set, or is left out', async () => {
    const { services } = Bun.YAML.parse(await read('docker-compose.yml')) as Compose
    const secrets = Object.values(services)
      .flatMap(({ environment = {} }) => Object.entries(environment))
      .filter(([name]) => /SECRET|PASSWORD|KEY|TOKEN/.test(name))
    expect([...new Set(secrets.map(([name]) => name))].sort()).toEqual([
      'DB_PASSWORD',
      'JWT_SECRET',
      'OPENAI_API_KEY',
      'POSTGRES_PASSWORD',
    ])
    for (const [name, value] of secrets) {
      expect(value).toMatch(name === 'OPENAI_API_KEY' ? /^\$\{[A-Z_]+:-\}$/ : /^\$\{[A-Z_]+:\?[^}]+\}$/)
    }
  })

  test('is reached from this machine alone', async () => {
    const { services } = Bun.YAML.parse(await read('docker-compose.yml')) as Compose
    const ports = Object.values(services).flatMap((service) => service.ports ?? [])
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toStartWith('127.0.0.1:')
  })

  test('waits for healthy stores, and each has its volume', async () => {
    const { services, volumes } = Bun.YAML.parse(await read('docker-compose.yml')) as Compose
    for (const name of Object.keys(services['app']?.depends_on ?? {})) {
      expect(services['app']?.depends_on?.[name]).toEqual({ condition: 'service_healthy' })
      expect(services[name]).toHaveProperty('healthcheck')
    }
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? [])
    const names = new Set(mounted.map((volume) => volume.split(':')[0] ?? ''))
    expect([...names].sort()).toEqual(Object.keys(volumes).sort())
  })

  test('has two instances behind the proxy, which is the only way in and is believed', async () => {
    const { services, configs } = Bun.YAML.parse(await read('docker-compose.yml')) as Compose
    const instances = Object.keys(services).filter((name) => services[name]?.environment?.['TRUST_PROXY'] === 'true')
    expect(instances).toEqual(['app', 'app-2'])
    expect(Object.keys(services['proxy']?.depends_on ?? {})).toEqual(instances)
    expect(Object.keys(services).filter((name) => services[name]?.ports !== undefined)).toEqual(['proxy'])
    expect(configs['proxy']?.content).toContain(`reverse_proxy ${instances.map((name) => `${name}:8000`).join(' ')} {`)
  })
})

type Compose = {
  services: Record<
    string,
    {
      environment?: Record<string, string>
      ports?: string[]
      volumes?: string[]
      depends_on?: Record<string, unknown>
      healthcheck?: unknown
    }
  >
  volumes: Record<string, unknown>
  configs: Record<string, { content: string }>
}

describe('Dockerfile', () => {
  test('is one', async () => {
    expect(validate(await read('Dockerfile'))).toEqual([])
  })

  test('builds on the pinned Bun and runs as somebody without rights', async () => {
    const instructions = (await read('Dockerfile')).split('\n')
    const version = (await read('.bun-version')).trim()
    const images = instructions.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])
    expect(images).toEqual([`oven/bun:${version}`, `oven/bun:${version}-slim`])
    expect(instructions.findLast((line) => line.startsWith('USER '))).toBe('USER bun')
  })

  test('copies only what .dockerignore lets through', async () => {
    const let_through = (await read('.dockerignore'))
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
    const copied = (await read('Dockerfile'))
      .split('\n')
      .flatMap((line) => (/^COPY (?!--from)/.test(line) ? line.split(' ').slice(1, -1) : []))
    expect([...new Set(copied)].sort()).toEqual(let_through.sort())
  })
})

describe('package.json', () => {
  test('pins one Bun everywhere', async () => {
    const version = (await read('.bun-version')).trim()
    expect(packageJson.engines.bun).toBe(version)
    expect(packageJson.packageManager).toBe(`bun@${version}`)
  })

  test('pins Elysia, its plugins and tRPC exactly, and no other', () => {
    const all = Object.entries({ ...packageJson.dependencies, ...packageJson.devDependencies })
    for (const [name, range] of all) {
      const exact = /^(?:elysia$|@elysiajs\/|@trpc\/)/.test(name)
      expect(`${name} ${range}`).toMatch(exact ? / \d+\.\d+\.\d+$/ : / \^\d+\.\d+\.\d+$/)
    }
  })

  test('has a lockfile that names no host', async () => {
    expect(await read('bun.lock')).not.toMatch(/https?:\/\//)
  })
})

test('the changelog has a place for what is not released', async () => {
  expect(await read('CHANGELOG.md')).toContain('\n## [Unreleased]\n')
})
