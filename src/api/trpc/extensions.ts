import { z } from 'zod'
import type { Config } from '../../config.ts'
import {
  ExtendedParams,
  ExtensionParams,
  ExtensionQuery,
  MessageExtension,
  NewExtension,
} from '../../contract/extensions.ts'
import type { Authenticator } from '../../domain/accounts/authenticator.ts'
import type { ChatServices } from '../../domain/chats/services.ts'
import { router } from './init.ts'
import { participantProcedure } from './signed-in.ts'

/** What hangs on messages: the same service, the same schemas. */
export function extensionsRouter({ extensions }: ChatServices, authenticator: Authenticator, config: Config) {
  const taking = participantProcedure(config, 'support', authenticator)
  return router({
    list: taking
      .input(ExtendedParams.extend(ExtensionQuery.shape))
      .output(z.array(MessageExtension))
      .query(({ ctx, input }) => extensions.list(ctx, input.message_id, input.type)),

    add: taking
      .input(z.object({ message_id: ExtendedParams.shape.message_id, extension: NewExtension }))
      .output(MessageExtension)
      .mutation(({ ctx, input }) => extensions.add(ctx, input.message_id, input.extension)),

    remove: taking
      .input(ExtensionParams)
      .mutation(({ ctx, input }) => extensions.remove(ctx, input.message_id, input.extension_id)),
  })
}
