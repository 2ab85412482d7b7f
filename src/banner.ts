import { answererNames } from './answerer.ts'
import type { Config } from './config.ts'

/** What a person sees at the start: where to look, what is in use, and the variable that changes it. */
export function banner(config: Config, port: number, database: string): string {
  const host =
    config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host.replace('127.0.0.1', 'localhost')
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const redis = config.redis && new URL(config.redis.url)
  const open = [...config.publicApis].join(', ')
  const rows: [string, string][] = [
    ['API docs', `${url}/docs`],
    ['', `${url}/redoc`],
    ['Health', `${url}/api/v1/health`],
    [
      'Database',
      `${database}${config.database.kind === 'embedded' ? '  (DATABASE_URL chooses a server)' : '  (DATABASE_URL)'}`,
    ],
    [
      'Sessions',
      redis ? `Redis at ${redis.host}  (REDIS_URL)` : 'in memory, this process only  (REDIS_URL chooses a server)',
    ],
    ['Answers', answers(config)],
    ...(config.workers > 1 ? [['Workers', `${config.workers}  (APP_WORKERS)`] satisfies [string, string]] : []),
    ['Open APIs', `${open || 'none'}  (PUBLIC_APIS)`],
  ]
  const lines = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`)
  return `\n${config.name} ${config.version}\n\n${lines.join('\n')}\n`
}

/** Who answers where a chat names nobody. */
function answers(config: Config): string {
  const { answering, aiService, openai } = config
  const [first] = answererNames(config)
  if (!answering) return 'none  (ANSWERING)'
  if (first === 'callback' && aiService) return `the service at ${new URL(aiService.url).host}  (AI_SERVICE_URL)`
  if (first === 'openai' && openai) {
    return `${openai.model} at ${new URL(openai.baseUrl).host}  (OPENAI_MODEL, OPENAI_BASE_URL)`
  }
  return 'a demo that follows a script  (OPENAI_MODEL chooses a model)'
}
