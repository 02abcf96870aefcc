import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { TokenVerifier } from '@troupe/people';
import { TroupeError } from '@troupe/protocol';
import type { FastifyRequest } from 'fastify';
import { setPrincipal } from './request-principal';

const BEARER = /^Bearer +(\S+)$/i;

/** Reads the bearer token of an Authorization header's value; undefined if it is none. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
}

/** Lets in who has a valid access token, in the Authorization header and nowhere else. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(@Inject(TokenVerifier) private readonly verifier: TokenVerifier) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      throw new TroupeError('unauthenticated', 'needs a bearer token in the Authorization header');
    }
    setPrincipal(request, await this.verifier.verify(token));
    return true;
  }
}
