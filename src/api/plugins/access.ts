import { Elysia } from 'elysia'
import type { Config, PublicApi } from '../../config.ts'
import { Refusal } from '../../domain/refusal.ts'

/** Lets everyone in where the API is public. What is stored there belongs to no account: its owner is `''`. */
export function access(config: Config, api: PublicApi) {
  return new Elysia({ name: 'access', seed: api }).resolve({ as: 'scoped' }, () => ({ owner: ownerOn(config, api) }))
}

export function ownerOn(config: Config, api: PublicApi): string {
  if (!config.publicApis.has(api)) throw new Refusal('unauthenticated')
  return ''
}
