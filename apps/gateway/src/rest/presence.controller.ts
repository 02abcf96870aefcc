import { Controller, Get, Inject, Query, UseGuards } from '@nestjs/common';
import { PRESENCE_QUERY, type PresenceQuery } from '@troupe/people';
import type { PresenceRecord } from '@troupe/ports';
import { BearerGuard } from '../auth/bearer.guard';
import { presenceQuery } from './query.schemas';
import { ZodPipe } from './zod.pipe';

/** Who is online. */
@Controller('v1/presence')
@UseGuards(BearerGuard)
export class PresenceController {
  constructor(@Inject(PRESENCE_QUERY) private readonly presence: PresenceQuery) {}

  @Get()
  query(@Query(new ZodPipe(presenceQuery)) { users }: { users: string[] }): Promise<PresenceRecord[]> {
    return this.presence.query(users);
  }
}
