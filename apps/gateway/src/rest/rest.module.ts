import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import {
  MembersService,
  MessagesService,
  ROOM_GATE,
  RoomAccess,
  RoomsService,
  type RoomGate,
} from '@troupe/people';
import {
  ACCOUNT_STORE,
  IDS,
  ROOM_DIRECTORY,
  ROOM_STORE,
  type AccountStore,
  type Ids,
  type RoomDirectory,
  type RoomStore,
} from '@troupe/ports';
import { ErrorFilter } from './error.filter';
import { MembersController } from './members.controller';
import { MessagesController } from './messages.controller';
import { PresenceController } from './presence.controller';
import { REJECTIONS, type Rejections } from './rejections';
import { RoomsController } from './rooms.controller';
import { UsersController } from './users.controller';

export interface RestOptions {
  /** The counter `troupe_rejected_total`. */
  rejections: Rejections;
  /**
   * Modules that export ACCOUNT_STORE, ROOM_DIRECTORY, ROOM_STORE, IDS, ROOM_GATE and PRESENCE_QUERY, unless global
   * ones do.
   */
  imports?: NonNullable<ModuleMetadata['imports']>;
}

/** The HTTP API. Needs the `AuthModule` beside it. */
@Module({})
export class RestModule {
  static register({ rejections, imports = [] }: RestOptions): DynamicModule {
    return {
      module: RestModule,
      imports,
      controllers: [
        UsersController,
        RoomsController,
        MembersController,
        MessagesController,
        PresenceController,
      ],
      providers: [
        { provide: REJECTIONS, useValue: rejections },
        { provide: APP_FILTER, useClass: ErrorFilter },
        {
          provide: RoomAccess,
          useFactory: (directory: RoomDirectory) => new RoomAccess(directory),
          inject: [ROOM_DIRECTORY],
        },
        {
          provide: RoomsService,
          useFactory: (d: RoomDirectory, a: AccountStore, g: RoomGate, access: RoomAccess, ids: Ids) =>
            new RoomsService(d, a, g, access, ids),
          inject: [ROOM_DIRECTORY, ACCOUNT_STORE, ROOM_GATE, RoomAccess, IDS],
        },
        {
          provide: MembersService,
          useFactory: (d: RoomDirectory, a: AccountStore, g: RoomGate, access: RoomAccess) =>
            new MembersService(d, a, g, access),
          inject: [ROOM_DIRECTORY, ACCOUNT_STORE, ROOM_GATE, RoomAccess],
        },
        {
          provide: MessagesService,
          useFactory: (store: RoomStore, g: RoomGate, access: RoomAccess) =>
            new MessagesService(store, g, access),
          inject: [ROOM_STORE, ROOM_GATE, RoomAccess],
        },
      ],
      // The WebSocket side answers the same questions.
      exports: [RoomAccess, RoomsService, MembersService, MessagesService],
    };
  }
}
