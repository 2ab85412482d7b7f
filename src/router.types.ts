import type { Router as ServerRouter } from './api/trpc/router.ts'

// Like app.types.ts: no code runs here, and the type is a value's, to be written in full.
declare const server: { router: ServerRouter }
const { router } = server

/** Every procedure of the tRPC API. */
export type Router = typeof router
