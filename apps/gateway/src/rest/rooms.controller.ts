import { Body, Controller, Get, Inject, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import { RoomsService, type Page, type PageRequest, type Principal, type RoomView } from '@troupe/people';
import { idSchema } from '@troupe/protocol';
import type { FastifyReply } from 'fastify';
import { BearerGuard } from '../auth/bearer.guard';
import { CurrentPrincipal } from '../auth/current-principal.decorator';
import { newRoomBody, type NewRoomBody } from './body.schemas';
import { pageQuery } from './query.schemas';
import { ZodPipe } from './zod.pipe';

/** Rooms: made, listed, looked at. */
@Controller('v1/rooms')
@UseGuards(BearerGuard)
export class RoomsController {
  constructor(@Inject(RoomsService) private readonly rooms: RoomsService) {}

  @Post()
  async create(
    @CurrentPrincipal() principal: Principal,
    @Body(new ZodPipe(newRoomBody)) wish: NewRoomBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RoomView> {
    if (wish.kind !== 'private') return this.rooms.create(principal, wish);
    const { view, created } = await this.rooms.openPrivate(principal, wish.with);
    void reply.status(created ? 201 : 200);
    return view;
  }

  @Get()
  list(
    @CurrentPrincipal() principal: Principal,
    @Query(new ZodPipe(pageQuery)) page: PageRequest,
  ): Promise<Page<RoomView>> {
    return this.rooms.list(principal, page);
  }

  @Get(':room')
  get(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
  ): Promise<RoomView> {
    return this.rooms.get(principal, room);
  }
}
