import { Stored } from './stored.ts'

const SCRIPT = 'text/javascript;charset=utf-8'
const STYLE = 'text/css;charset=utf-8'

/** Every file that a page may load, and where it is installed. A request can only choose among these names. */
const FILES = new Map([
  ['swagger-ui.js', { module: 'swagger-ui-dist/swagger-ui-bundle.js', type: SCRIPT }],
  ['swagger-ui.css', { module: 'swagger-ui-dist/swagger-ui.css', type: STYLE }],
  ['swagger-page.js', { module: './browser/swagger-page.js', type: SCRIPT }],
  ['swagger-page.css', { module: './browser/swagger-page.css', type: STYLE }],
  ['redoc.js', { module: 'redoc/bundles/redoc.standalone.js', type: SCRIPT }],
  ['redoc-page.js', { module: './browser/redoc-page.js', type: SCRIPT }],
  ['redoc-page.css', { module: './browser/redoc-page.css', type: STYLE }],
])

export const ASSET_NAMES = [...FILES.keys()]

const loading = new Map<string, Promise<Stored>>()

/** Read from the disk when it is first asked for. */
export async function assetOf(name: string): Promise<Stored | undefined> {
  const file = FILES.get(name)
  if (file === undefined) return undefined
  const asset = loading.get(name) ?? load(file)
  loading.set(name, asset)
  return asset
}

async function load({ module, type }: { module: string; type: string }): Promise<Stored> {
  // Not import.meta.resolve, which the bundle (build.ts) has not.
  const text = await Bun.file(Bun.resolveSync(module, import.meta.dir)).text()
  return new Stored(withoutLogo(text), { 'content-type': type, 'cache-control': 'public, max-age=3600' })
}

/** ReDoc shows its maker's logo from the network, and has no setting for it; an image that is none is left out. */
function withoutLogo(text: string): string {
  return text.replace('https://cdn.redoc.ly/redoc/logo-mini.svg', 'data:,')
}
