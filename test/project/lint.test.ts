import { afterAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

setDefaultTimeout(60_000)

const root = join(import.meta.dir, '../..')
const tree = await mkdtemp(join(tmpdir(), 'parley-lint-'))
afterAll(() => rm(tree, { recursive: true }))

const clean = `export function double(size: number): number {
  return size * 2
}
`

const faulty: Record<string, string> = {
  'lint/style/noProcessEnv': 'export const home = process.env.HOME\n',
  plugin: 'export const home = Bun.env.HOME\n',
  'lint/suspicious/noConsole': "console.log('here')\n",
  'lint/suspicious/noExplicitAny': 'export const anything: any = 1\n',
  'lint/style/noNonNullAssertion': 'export const first = (names: string[]) => names[0]!\n',
  'lint/style/noDefaultExport': 'export default 1\n',
  'lint/correctness/useImportExtensions': "import { double } from './clean'\n\ndouble(1)\n",
  'lint/suspicious/noImportCycles': "import { other } from './other.ts'\n\nexport const one = () => other\n",
  'lint/nursery/noFloatingPromises': 'async function later() {}\n\nexport function now() {\n  later()\n}\n',
  'lint/nursery/useExhaustiveSwitchCases':
    "export function size(kind: 'a' | 'b') {\n  switch (kind) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n",
  format: 'export const   spaced = 1;\n',
}

const pathOf = (rule: string) => `src/domain/${rule.replace(/\W/g, '-')}.ts`

/** The other half of the import cycle. */
const other = "import { one } from './lint-suspicious-noImportCycles.ts'\n\nexport const other = () => one\n"

type Report = { diagnostics: { category: string; severity: string; location: { path: string } }[] }

async function lint(): Promise<Report> {
  for (const file of ['biome.json', '.gitignore', 'package.json', 'test/project/environment.grit']) {
    await cp(join(root, file), join(tree, file))
  }
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'))
  for (const [rule, source] of Object.entries(faulty)) await Bun.write(join(tree, pathOf(rule)), source)
  await Bun.write(join(tree, 'src/domain/clean.ts'), clean)
  await Bun.write(join(tree, 'src/domain/other.ts'), other)
  await Bun.write(join(tree, 'src/main.ts'), 'export const settings = [process.env, Bun.env]\n')
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const run = Bun.spawn([process.execPath, biome, 'check', '--reporter=json', '--max-diagnostics=none', '.'], {
    cwd: tree,
    stderr: 'ignore',
  })
  return JSON.parse(await new Response(run.stdout).text())
}

describe('the linter', async () => {
  const { diagnostics } = await lint()
  const found = (file: string) =>
    diagnostics
      .filter(({ location }) => location.path === file)
      .map(({ category, severity }) => `${severity} ${category}`)

  test.each(Object.keys(faulty))('refuses %s', (rule) => {
    expect(found(pathOf(rule))).toEqual([`error ${rule}`])
  })

  test('takes what is in order, and the environment in main.ts', () => {
    expect(found('src/domain/clean.ts')).toEqual([])
    expect(found('src/main.ts')).toEqual([])
  })
})
