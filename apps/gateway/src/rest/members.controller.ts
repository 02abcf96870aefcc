import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Put,
  Query,
  UseGuards,
} from '@nestjs/common';
import { MembersService, type Member, type Page, type PageRequest, type Principal } from '@troupe/people';
import { idSchema } from '@troupe/protocol';
import { BearerGuard } from '../auth/bearer.guard';
import { CurrentPrincipal } from '../auth/current-principal.decorator';
import { memberBody, type MemberBody } from './body.schemas';
import { pageQuery } from './query.schemas';
import { ZodPipe } from './zod.pipe';

/** Who belongs to a room. */
@Controller('v1/rooms/:room/members')
@UseGuards(BearerGuard)
export class MembersController {
  constructor(@Inject(MembersService) private readonly members: MembersService) {}

  @Get()
  list(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
    @Query(new ZodPipe(pageQuery)) page: PageRequest,
  ): Promise<Page<Member>> {
    return this.members.list(principal, room, page);
  }

  @Put(':user')
  put(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
    @Param('user', new ZodPipe(idSchema)) user: string,
    @Body(new ZodPipe(memberBody)) body: MemberBody,
  ): Promise<Member> {
    return this.members.put(principal, { room, user, ...(body?.role ? { role: body.role } : {}) });
  }

  @Delete(':user')
  @HttpCode(204)
  remove(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
    @Param('user', new ZodPipe(idSchema)) user: string,
  ): Promise<void> {
    return this.members.remove(principal, { room, user });
  }
}
