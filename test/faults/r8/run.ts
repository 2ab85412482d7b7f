import { EventPage } from '../../../src/contract/chat-calls.ts'
import { StoredFile } from '../../../src/contract/files.ts'
import { type TestDatabase, temporaryDirectory } from '../../support/database.ts'
import { until } from '../../support/wait.ts'
import { Client } from '../rig/client.ts'
import { Deployment } from '../rig/deployment.ts'
import type { Outcome } from '../rig/judge.ts'

const POISON = 'poison.txt'
const REASON = 'The preview service does not answer as it should.'

export type Load = { files: number; kills: number; poison: boolean; limitMs: number }

type Settled = {
  name: string
  state: string
  reason: string | null
  content: string | null
  tries: number
  told: string
}

/** R8: kills the server that reads files in the middle of reading some, again and again, and tells what came of them. */
export async function killUnderReading(database: TestDatabase, load: Load): Promise<Outcome> {
  let asked = 0
  const service = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      asked += 1
      const file = (await request.formData()).get('file')
      if (!(file instanceof File) || file.name === POISON) return new Response('no', { status: 500 })
      // Long enough to be killed in.
      await Bun.sleep(100)
      return Response.json({ content: `read: ${await file.text()}` })
    },
  })
  const variables = { PREVIEW_SERVICE_URL: service.url.origin, UPLOAD_DIR: temporaryDirectory() }
  try {
    return await Deployment.with({ database, variables, limitMs: load.limitMs }, async (deployment) => {
      const names = Array.from({ length: load.files }, (_, number) => `${number}.txt`)
      if (load.poison) names.push(POISON)
      const client = await Client.signUp(deployment)
      const chatId = await fill(client, names)
      const [instance] = deployment.instances
      if (instance === undefined) throw new Error('There is no instance')
      while (instance.kills < load.kills) {
        const before = asked
        await until(() => asked > before || deployment.stop.aborted, 'a file to be read')
        deployment.stop.throwIfAborted()
        await instance.killAndRestart()
      }
      await allTold(client, chatId, names.length)
      const settled = await deployment.stored(
        ({ sql }) => sql<Settled[]>`
        SELECT file.name, state, reason, content, tries, (SELECT count(*) FROM events
          WHERE type = 'file.processed' AND data ->> 'file_id' = file.id::text) AS told FROM files AS file`,
      )
      return {
        figures: `${instance.kills} kills, ${settled.length} files, ${asked} times asked`,
        faults: faultsOf(settled, names),
      }
    })
  } finally {
    await service.stop(true)
  }
}

function faultsOf(settled: readonly Settled[], names: readonly string[]): string[] {
  const faults = settled.length === names.length ? [] : [`there are ${settled.length} files of ${names.length}`]
  for (const { name, state, reason, content, tries, told } of settled) {
    if (Number(told) !== 1) faults.push(`${name} was told of ${told} times`)
    if (name === POISON) {
      if (state !== 'failed' || reason !== REASON || tries !== 5)
        faults.push(`${name}: ${state} after ${tries}: ${reason}`)
    } else if (state !== 'ready' || content !== `read: this is ${name}`)
      faults.push(`${name}: ${state}, ${reason ?? content}`)
  }
  return faults
}

/** Somebody uploads them all, and shows each in a message. Resolves to the chat. */
async function fill(client: Client, names: readonly string[]): Promise<string> {
  const id = await client.makeChat()
  for (const name of names) {
    const body = new FormData()
    body.set('file', new File([`this is ${name}`], name))
    const { headers } = client
    const answer = await fetch(`${await client.deployment.address()}/api/files/upload`, {
      method: 'POST',
      body,
      headers,
    })
    const file = StoredFile.parse(await answer.json())
    await client.ask({ path: `/api/chats/${id}/messages`, body: { content: name, file_ids: [file.id] } })
  }
  return id
}

/** Until the chat's log has told of as many files, however often of each: a file is settled just before it is told of. */
async function allTold(client: Client, chatId: string, files: number): Promise<void> {
  const told = new Set<string>()
  for (let after = 0; told.size < files; ) {
    const { answer } = await client.ask({ path: `/api/chats/${chatId}/events?after=${after}` })
    const { events } = EventPage.parse(answer)
    for (const event of events) if (event.type === 'file.processed') told.add(event.data.file_id)
    after = events.at(-1)?.seq ?? after
    await Bun.sleep(200)
  }
}
