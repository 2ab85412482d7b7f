/** For `createTRPCClient<Router>`. An entry of its own, so that only those who use tRPC need its types. */
export type { Router } from '../../src/router.types.ts'
