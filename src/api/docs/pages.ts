import type { Config } from '../../config.ts'
import { Stored } from './stored.ts'

type Page = {
  title: string
  styles: readonly string[]
  /** The library, then our few lines that start it. */
  scripts: readonly [library: string, start: string]
  /** What it needs beside its own files. */
  policy: string
}

const SWAGGER: Page = {
  title: 'API',
  styles: ['swagger-ui.css', 'swagger-page.css'],
  scripts: ['swagger-ui.js', 'swagger-page.js'],
  policy: "style-src 'self'",
}

const REDOC: Page = {
  title: 'API reference',
  styles: ['redoc-page.css'],
  scripts: ['redoc.js', 'redoc-page.js'],
  // Its styles are written into the page, and its search runs in a worker made from text.
  policy: "style-src 'self' 'unsafe-inline'; worker-src blob:",
}

export const swaggerPage = (config: Config): Stored => page(config, SWAGGER)
export const redocPage = (config: Config): Stored => page(config, REDOC)

const COMMON_POLICY =
  "default-src 'none'; script-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

function page(config: Config, { title, styles, scripts: [library, start], policy }: Page): Stored {
  const fullTitle = Bun.escapeHTML(`${config.name} ${title}`)
  // A proxy may have put the server under a path of its own.
  const base = Bun.escapeHTML(new URL(config.publicUrl).pathname.replace(/\/$/, ''))
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${fullTitle}</title>
<link rel="icon" href="data:,">
${styles.map((name) => `<link rel="stylesheet" href="${base}/docs/assets/${name}">`).join('\n')}
</head>
<body>
<div id="page" data-base="${base}"><noscript>This page needs JavaScript. What it shows: ${base}/openapi.json</noscript></div>
<script src="${base}/docs/assets/${library}"></script>
<script type="module" src="${base}/docs/assets/${start}"></script>
</body>
</html>
`
  return new Stored(html, {
    'content-type': 'text/html;charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': `${COMMON_POLICY}; ${policy}`,
  })
}
