import { join, resolve } from 'node:path'
import { $ } from 'bun'
import packageJson from '../../package.json' with { type: 'json' }

const root = resolve(import.meta.dir, '../..')

/** Makes `directory` a project that has installed the packed client, and nothing of the server's. Resolves to the tarball. */
export async function makeConsumer(directory: string): Promise<ArrayBuffer> {
  await $`${process.execPath} pm pack --filename ${join(directory, 'client.tgz')}`.cwd(join(root, 'client')).quiet()
  const { devDependencies, dependencies } = packageJson
  await Bun.write(
    join(directory, 'package.json'),
    JSON.stringify({
      name: 'consumer',
      private: true,
      type: 'module',
      dependencies: {
        '@parley/client': 'file:./client.tgz',
        '@trpc/client': devDependencies['@trpc/client'],
        '@trpc/server': dependencies['@trpc/server'],
        typescript: devDependencies.typescript,
      },
    }),
  )
  await $`${process.execPath} install`.cwd(directory).quiet()
  return Bun.file(join(directory, 'client.tgz')).arrayBuffer()
}

/** Puts a file of `test/` there, which then imports the client that is installed. */
export async function copyToConsumer(directory: string, file: string): Promise<void> {
  const text = await Bun.file(join(root, 'test', file)).text()
  await Bun.write(
    join(directory, file.replace(/^.*\//, '')),
    // Node's resolution wants the extension that is there once compiled.
    text.replaceAll(
      /'[./]*\/client\/src\/(\w+)\.ts'/g,
      (_, entry) => `'@parley/client${entry === 'index' ? '' : `/${entry}`}'`,
    ),
  )
}

/** A compiler's settings for somebody who has neither Bun's nor Node's types. */
export const CONSUMER_OPTIONS = {
  module: 'esnext',
  moduleResolution: 'bundler',
  target: 'es2022',
  lib: ['es2022', 'dom'],
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  allowImportingTsExtensions: true,
}
