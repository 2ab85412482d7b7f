import { fail, readOrder } from './order.ts'
import { UploadOrder } from './orders.ts'

// Sends files, all at once, as fast as they are taken.

const { port, headers, count, bytes } = await readOrder(UploadOrder)
const BOUNDARY = 'parley-bench'
const head = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="noise.bin"\r\n\r\n`
const noise = new Uint8Array(bytes)
for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(noise.subarray(at, at + 65_536))
// One for all of them: what is measured is the other side.
const body = new Blob([head, noise, `\r\n--${BOUNDARY}--\r\n`])
const begun = performance.now()
await Promise.all(
  Array.from({ length: count }, async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/files/upload`, {
      method: 'POST',
      headers: { ...headers, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body,
    })
    if (response.status !== 201) fail(`Not answered with 201: ${response.status} ${await response.text()}`)
    await response.text()
  }),
)
console.log(JSON.stringify({ ms: performance.now() - begun }))
