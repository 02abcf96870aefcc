import { Body, Controller, Get, Inject, Ip, Param, Post, UseGuards } from '@nestjs/common';
import { AccountsService, requireUser, type Principal } from '@troupe/people';
import type { UserRecord } from '@troupe/ports';
import { TroupeError, idSchema } from '@troupe/protocol';
import { BearerGuard } from '../auth/bearer.guard';
import { CurrentPrincipal } from '../auth/current-principal.decorator';
import { newUserBody, type NewUserBody } from './body.schemas';
import { ZodPipe } from './zod.pipe';

/** Registering, and profiles. */
@Controller('v1')
export class UsersController {
  constructor(@Inject(AccountsService) private readonly accounts: AccountsService) {}

  @Post('users')
  register(@Body(new ZodPipe(newUserBody)) user: NewUserBody, @Ip() address: string): Promise<UserRecord> {
    return this.accounts.register(user, address);
  }

  @Get('me')
  @UseGuards(BearerGuard)
  async me(@CurrentPrincipal() principal: Principal): Promise<UserRecord> {
    requireUser(principal);
    return this.accounts.profile(principal.id).catch((error: unknown) => {
      // A token outlives its account; whose it was is nobody any more.
      if (!(error instanceof TroupeError) || error.code !== 'not_found') throw error;
      throw new TroupeError('unauthenticated', 'the account is gone');
    });
  }

  @Get('users/:id')
  @UseGuards(BearerGuard)
  profile(@Param('id', new ZodPipe(idSchema)) id: string): Promise<UserRecord> {
    return this.accounts.profile(id);
  }
}
