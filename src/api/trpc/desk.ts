import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  DeskHistoryQuery,
  DeskMessage,
  DeskPageQuery,
  DeskParams,
  DeskSession,
  NewDeskMessage,
  NewDeskSession,
} from '../../contract/desk.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { DeskService } from '../../domain/desk/service.ts'
import { router } from './init.ts'
import { ownedProcedure } from './signed-in.ts'

/** The Desk API as procedures: the same service, the same schemas. */
export function deskRouter(desk: DeskService, authenticator: Authenticator, config: Config) {
  const owned = ownedProcedure(config, 'desk', authenticator)
  return router({
    list: owned
      .input(DeskPageQuery.optional())
      .output(z.array(DeskSession))
      .query(({ ctx, input: { limit = 100, offset = 0 } = {} }) => desk.list(ctx, { limit, offset })),

    get: owned
      .input(DeskParams.extend(DeskHistoryQuery.shape))
      .output(DeskSession)
      .query(({ ctx, input: { session_id, limit = 1000, offset = 0 } }) =>
        desk.read(ctx, session_id, { limit, offset }),
      ),

    create: owned
      .input(NewDeskSession)
      .output(DeskSession)
      .mutation(({ ctx, input }) => desk.create(ctx, input)),

    post: owned
      .input(DeskParams.extend(NewDeskMessage.shape))
      .output(DeskMessage)
      .mutation(({ ctx, input: { session_id, ...draft } }) => desk.post(ctx, session_id, draft)),
  })
}
