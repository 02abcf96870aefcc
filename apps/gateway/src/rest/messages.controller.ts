import { Body, Controller, Get, Inject, Param, Post, Query, Res, UseGuards } from '@nestjs/common';
import { MessagesService, type Principal, type SentMessage } from '@troupe/people';
import type { HistoryPage } from '@troupe/ports';
import { idSchema, type Message } from '@troupe/protocol';
import type { FastifyReply } from 'fastify';
import { BearerGuard } from '../auth/bearer.guard';
import { CurrentPrincipal } from '../auth/current-principal.decorator';
import { newMessageBody, type NewMessageBody } from './body.schemas';
import { historyQuery } from './query.schemas';
import { ZodPipe } from './zod.pipe';

/** Messages: published and read back. */
@Controller('v1/rooms/:room/messages')
@UseGuards(BearerGuard)
export class MessagesController {
  constructor(@Inject(MessagesService) private readonly messages: MessagesService) {}

  @Post()
  async publish(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
    @Body(new ZodPipe(newMessageBody)) body: NewMessageBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SentMessage> {
    const { text, data, clientId } = body;
    const { message, duplicate } = await this.messages.publish(principal, {
      room,
      text,
      ...(data === undefined ? {} : { data }),
      ...(clientId === undefined ? {} : { clientId }),
    });
    void reply.status(duplicate ? 200 : 201);
    return message;
  }

  @Get()
  history(
    @CurrentPrincipal() principal: Principal,
    @Param('room', new ZodPipe(idSchema)) room: string,
    @Query(new ZodPipe(historyQuery)) page: HistoryPage,
  ): Promise<{ messages: Message[]; more: boolean }> {
    return this.messages.history(principal, room, page);
  }
}
