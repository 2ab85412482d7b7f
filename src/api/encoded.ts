import type { ElysiaCustomStatusResponse } from 'elysia'

/**
 * Answers with JSON text that is there already: decoding it only to validate and encode it again would cost more than all
 * the rest of the call. `Body` is what the text holds; the text comes from what the contract encoded before.
 */
export function encoded<Status extends 200 | 201, Body>(status: Status, json: string): ElysiaCustomStatusResponse<Status, Body> {
  const response = new Response(json, { status, headers: { 'content-type': 'application/json;charset=utf-8' } })
  // Elysia sends a Response as it is; the type says to it and to Eden what the body holds.
  return response as unknown as ElysiaCustomStatusResponse<Status, Body>
}
