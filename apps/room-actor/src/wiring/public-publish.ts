import { RoomLink } from '@troupe/edge';
import type { TokenVerifier } from '@troupe/people';
import type { Platform } from '@troupe/platform';
import {
  TEXT_BYTES_MAX,
  TroupeError,
  clientIdSchema,
  dataSchema,
  idSchema,
  textSchema,
} from '@troupe/protocol';
import { z } from 'zod';

/** `troupe.v1.publish`: what any client in any language may send. */
const requestSchema = z.strictObject({
  room: idSchema,
  from: idSchema,
  text: textSchema.optional(),
  data: dataSchema.optional(),
  clientId: clientIdSchema.optional(),
  token: z.string().max(8_192),
});

export type PublishReply =
  | { ok: true; seq: number; id: string; at: string; duplicate?: true }
  | { ok: false; code: string; message: string };

const RETRY_MS = 1_000;
const PENDING_MAX = 50_000;

/**
 * Publishing for internal services, over the bus. Any pod takes the request and sends it on to the room's owner, as a
 * gateway would; the caller knows no pod.
 *
 * A user's token publishes as that user. A service's token with the scope `publish` publishes as the service, or as a
 * user who is a member of the room.
 */
export class PublicPublish {
  private readonly link: RoomLink;

  constructor(
    private readonly platform: Pick<Platform, 'bus' | 'clock' | 'ids' | 'logger' | 'metrics'>,
    private readonly verifier: TokenVerifier,
    deadlineMs: number,
  ) {
    const { bus, clock, ids, logger } = platform;
    const ignore = (): void => undefined;
    this.link = new RoomLink(
      ids.uuid(),
      { bus, clock },
      { deadlineMs, retryMs: RETRY_MS, pendingMax: PENDING_MAX },
      {
        // It has no sessions, so no streams either.
        message: ignore,
        piece: ignore,
        control: ignore,
        ownerChanged: ignore,
        reconnected: ignore,
        failed: (error) => logger.error({ err: error }, 'publishing for a service failed'),
      },
    );
  }

  start(): void {
    this.link.start();
  }

  stop(): void {
    this.link.stop();
  }

  /** Answers every request; never rejects. */
  async handle(request: unknown): Promise<PublishReply> {
    try {
      return await this.publish(request);
    } catch (error) {
      const known = error instanceof TroupeError ? error : new TroupeError('internal', 'internal error');
      if (!(error instanceof TroupeError))
        this.platform.logger.error({ err: error }, 'public publish failed');
      this.platform.metrics.rejected.inc({ code: known.code });
      return { ok: false, code: known.code, message: known.message };
    }
  }

  private async publish(request: unknown): Promise<PublishReply> {
    const parsed = requestSchema.safeParse(request);
    if (!parsed.success) {
      const path = parsed.error.issues[0]?.path[0];
      throw new TroupeError(
        'bad_request',
        typeof path === 'string' ? `${path} is not valid` : 'not a valid request',
      );
    }
    const { room, from, clientId, data, token } = parsed.data;
    const text = parsed.data.text ?? '';
    if (text === '' && data === undefined) throw new TroupeError('bad_request', 'text or data is needed');
    if (Buffer.byteLength(text) > TEXT_BYTES_MAX) throw new TroupeError('too_large', 'the text is too long');
    const service = await this.authorise(token, from);
    return new Promise((resolve, reject) => {
      const message = {
        room,
        from,
        id: this.platform.ids.uuid(),
        text,
        ...(service ? { service: true as const } : {}),
        ...(clientId === undefined ? {} : { clientId }),
        ...(data === undefined ? {} : { data }),
      };
      this.link.publish(message, (result) => {
        if ('code' in result) return reject(new TroupeError(result.code, result.message));
        const { seq, id, at, duplicate } = result;
        resolve({ ok: true, seq, id, at, ...(duplicate ? { duplicate: true as const } : {}) });
      });
    });
  }

  /** Tells whether the message is the service's own, which needs no membership. */
  private async authorise(token: string, from: string): Promise<boolean> {
    const principal = await this.verifier.verify(token);
    if (principal.kind === 'user') {
      if (principal.id !== from) throw new TroupeError('forbidden', 'the token is for another user');
      return false;
    }
    if (!principal.scopes.has('publish')) throw new TroupeError('forbidden', 'needs the scope publish');
    return principal.id === from;
  }
}
