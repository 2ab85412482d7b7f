/**
 * Why the server closes a socket, and whether its client should come back. 1xxx are the protocol's own codes (RFC 6455),
 * 4xxx ours. `reason` is sent with the code.
 */
export const CLOSE_CODES = {
  silent: { code: 1000, reason: 'No frame came for too long', retry: true },
  policy: { code: 1008, reason: 'Not allowed', retry: false },
  frame_too_large: { code: 1009, reason: 'The frame is too large', retry: false },
  storage_unavailable: {
    code: 1011,
    reason: 'Chat storage backend is unavailable. Please try again later.',
    retry: true,
  },
  internal: { code: 1011, reason: 'Internal server error', retry: true },
  restart: { code: 1012, reason: 'The server is restarting', retry: true },
  not_signed_in: { code: 4400, reason: 'No token came in time', retry: false },
  signed_out: { code: 4401, reason: 'The token has expired or was revoked', retry: false },
  too_slow: { code: 4408, reason: 'Events came faster than they were read', retry: true },
  flooding: { code: 4429, reason: 'Frames arrived faster than they could be handled', retry: false },
} as const satisfies Record<string, { code: number; reason: string; retry: boolean }>

export type CloseName = keyof typeof CLOSE_CODES
