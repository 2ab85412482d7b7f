import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type Program, parseSync, Visitor } from 'oxc-parser'

/**
 * The direction rule: what each room of the code may import. All that a room does not list, it may not import, a type or
 * a package included. `bun test/project/direction.ts` checks the whole tree.
 */
type Room = {
  /** The files of the room; a file belongs to the first room that claims it. */
  files: RegExp
  /** Rooms it may import, beside itself. */
  rooms?: readonly RoomName[]
  /** Rooms of which it may import types, with `import type` alone. */
  types?: readonly RoomName[]
  /** Packages it may import; `node:` stands for the runtime's own modules. Not given: any that no `except` names. */
  packages?: readonly string[]
  except?: readonly string[]
}

type RoomName =
  | 'contract'
  | 'refusal'
  | 'store'
  | 'domain'
  | 'db'
  | 'adapters'
  | 'config'
  | 'api'
  | 'app'
  | 'types'
  | 'main'
  | 'client'
  | 'test'
  | 'settings'
  | 'manifest'

const WEB = ['elysia', '@elysiajs/*', '@trpc/*']
const STORES = ['drizzle-orm', 'postgres', 'pg-boss', 'redis', '@electric-sql/*']

const ROOMS: Record<RoomName, Room> = {
  contract: { files: /^src\/contract\//, packages: ['zod'] },
  // The error that every room may throw on purpose.
  refusal: { files: /^src\/domain\/refusal\.ts$/, rooms: ['contract'], packages: [] },
  store: {
    files: /^src\/domain\/(?:.+[/-])?store\.ts$/,
    rooms: ['contract', 'refusal', 'domain', 'db'],
    packages: ['drizzle-orm', 'zod'],
  },
  domain: { files: /^src\/domain\//, rooms: ['contract', 'refusal', 'store'], packages: ['zod'] },
  db: { files: /^src\/db\//, rooms: ['refusal'], types: ['contract'], except: [...WEB, 'redis'] },
  adapters: { files: /^src\/adapters\//, rooms: ['contract', 'refusal', 'domain'], except: WEB },
  config: {
    files: /^src\/(?:config|environment)\.ts$/,
    rooms: ['contract', 'manifest'],
    types: ['domain'],
    packages: ['zod'],
  },
  api: { files: /^src\/api\//, rooms: ['contract', 'refusal', 'domain'], types: ['config'], except: STORES },
  app: { files: /^src\/app\.ts$/, rooms: ['api', 'contract', 'refusal', 'domain'], types: ['config'], except: STORES },
  types: { files: /^src\/[^/]+\.types\.ts$/, types: ['api', 'app'], except: STORES },
  main: {
    files: /^src\/[^/]+\.ts$/,
    rooms: ['adapters', 'api', 'app', 'config', 'contract', 'db', 'domain', 'manifest', 'refusal', 'store'],
  },
  client: {
    files: /^client\/[^/]+\//,
    rooms: ['contract'],
    types: ['types'],
    packages: ['zod', 'elysia', '@elysiajs/eden', '@trpc/*'],
  },
  test: {
    files: /^test\//,
    rooms: [
      'adapters',
      'api',
      'app',
      'client',
      'config',
      'contract',
      'db',
      'domain',
      'main',
      'manifest',
      'refusal',
      'settings',
      'store',
    ],
    types: ['types'],
  },
  settings: { files: /^(?:client\/)?[^/]+\.ts$/ },
  manifest: { files: /^package\.json$/ },
}

/** Where a package of this repository lies, so that its name is no way around the rule. */
const OWN_PACKAGES: Record<string, string> = { '@parley/client': 'client/src/', parley: 'src/main.ts' }

const JUNK_DRAWER = /(?:^|\/)(?:utils?|helpers?|misc|common)(?:\/|\.ts$)/

type Import = { specifier: string | undefined; typeOnly: boolean; line: number }

/** What is wrong with the imports of one file, a line each. `file` is its path in the repository, with slashes. */
export function faultsOf(file: string, source: string): string[] {
  const faults =
    JUNK_DRAWER.test(file) && !file.startsWith('test/') ? [`${file}: name the thing, not a drawer for it`] : []
  const from = roomOf(file)
  if (from === undefined) return [...faults, `${file}: belongs to no room`]
  const { program, errors } = parseSync(file, source)
  if (errors[0] !== undefined) return [...faults, `${file}: ${errors[0].message}`]
  for (const { specifier, typeOnly, line } of importsOf(program, source)) {
    const fault = importFault(file, from, specifier, typeOnly)
    if (fault !== undefined) faults.push(`${file}:${line}: ${fault}`)
  }
  return faults
}

function importFault(file: string, from: RoomName, specifier: string | undefined, typeOnly: boolean) {
  const room = ROOMS[from]
  if (specifier === undefined)
    return from === 'test' ? undefined : 'an import must name its module, for this rule to see'
  const path = /^\.{1,2}(?:\/|$)/.test(specifier)
    ? posix.join(posix.dirname(file), specifier)
    : OWN_PACKAGES[packageName(specifier)]
  if (path === undefined) {
    return mayUse(room, packageName(specifier)) ? undefined : `${from} must not import the package ${specifier}`
  }
  const to = roomOf(path)
  if (to === undefined) return from === 'test' ? undefined : `${from} must not import ${path}, which belongs to no room`
  if (to === from || room.rooms?.includes(to)) return undefined
  if (room.types?.includes(to)) return typeOnly ? undefined : `${from} may import types of ${to} alone (${path})`
  return `${from} must not import ${to} (${path})`
}

function roomOf(path: string): RoomName | undefined {
  for (const [name, { files }] of Object.entries(ROOMS)) {
    // The keys of a Record are its names.
    if (files.test(path)) return name as RoomName
  }
  return undefined
}

function packageName(specifier: string): string {
  if (specifier === 'bun' || /^(?:bun|node):/.test(specifier)) return 'node:'
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

function mayUse({ packages, except = [] }: Room, name: string): boolean {
  const named = (pattern: string) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern)
  return packages === undefined ? !except.some(named) : packages.some(named)
}

/** Every way one module can name another: types and `new URL('./worker.ts', import.meta.url)` too. */
function importsOf(program: Program, source: string): Import[] {
  const found: Import[] = []
  const add = (specifier: unknown, start: number, typeOnly: boolean) =>
    found.push({
      specifier: typeof specifier === 'string' ? specifier : undefined,
      typeOnly,
      line: source.slice(0, start).split('\n').length,
    })
  const literal = (node: object | undefined) => (node !== undefined && 'value' in node ? node.value : undefined)
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, node.start, node.importKind === 'type'),
    ExportAllDeclaration: (node) => add(node.source.value, node.start, node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) add(node.source.value, node.start, node.exportKind === 'type')
    },
    ImportExpression: (node) => add(literal(node.source), node.start, false),
    TSImportType: (node) => add(literal(node.source), node.start, true),
    CallExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') {
        add(literal(node.arguments[0]), node.start, false)
      }
    },
    NewExpression: (node) => {
      const [target, base] = node.arguments
      if (base === undefined || !source.slice(base.start, base.end).startsWith('import.meta.')) return
      const path = literal(target)
      if (typeof path === 'string' && /\.[cm]?[jt]sx?$/.test(path)) {
        add(/^[./]/.test(path) ? path : `./${path}`, node.start, false)
      }
    },
  }).visit(program)
  return found
}

/** Every fault of the tree at `root`. */
export function directionFaults(root: string): string[] {
  const files = [...new Bun.Glob('{src,client,test}/**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}').scanSync(root)]
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/(?:^|\/)(?:node_modules|dist)\//.test(file))
  return files.sort().flatMap((file) => faultsOf(file, readFileSync(join(root, file), 'utf8')))
}

if (import.meta.main) {
  const faults = directionFaults(process.cwd())
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exit(1)
}
