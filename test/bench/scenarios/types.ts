import { join } from 'node:path'
import { $ } from 'bun'
import { CONSUMER_OPTIONS, copyToConsumer, makeConsumer } from '../../client/consumer-project.ts'
import type { Scenario } from '../harness/scenario.ts'

// P10: how long the compiler takes for a project that uses the packed client, beside one that uses nothing.

async function compiling(project: string, name: string, files: string[]) {
  const settings = `tsconfig.${name}.json`
  await Bun.write(join(project, settings), JSON.stringify({ compilerOptions: CONSUMER_OPTIONS, include: [], files }))
  const compiler = join(project, 'node_modules/.bin/tsc')
  return async () => {
    const start = performance.now()
    await $`${compiler} -p ${settings}`.cwd(project).quiet()
    return { value: performance.now() - start }
  }
}

export const types: readonly Scenario[] = [
  {
    id: 'P10',
    what: 'tsc on a project that uses the packed client, beside one that uses nothing',
    unit: 'ms',
    async ours(ground) {
      const project = await ground.directory()
      await makeConsumer(project)
      await copyToConsumer(project, 'client/consumer/main.ts')
      return compiling(project, 'ours', ['main.ts'])
    },
    async limit(ground) {
      const project = await ground.directory()
      await makeConsumer(project)
      await Bun.write(join(project, 'empty.ts'), 'export const nothing = undefined\n')
      return compiling(project, 'limit', ['empty.ts'])
    },
    target: { of: 'ours', atMost: 1500 },
  },
]
