import { Catch, Inject, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OAuthError } from '../auth/oauth.error';
import { TOKEN_PATH } from '../auth/token.controller';
import { oauthErrorOf, sendOAuthError } from './oauth-answer';
import { sendProblem } from './problem';
import { INTERNAL, refusalOf } from './refusal';
import { REJECTIONS, type Rejections } from './rejections';

/** Turns every error of the HTTP side into its answer, and counts it. */
@Catch()
@Injectable()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);

  constructor(@Inject(REJECTIONS) private readonly rejections: Rejections) {}

  catch(error: unknown, host: ArgumentsHost): void {
    // As a global filter it could be asked about other transports; their errors are answered there.
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const refusal = refusalOf(error);
    if (!refusal && !(error instanceof OAuthError)) this.logUnforeseen(error, request);
    if (reply.sent) return;
    if (pathOf(request) === TOKEN_PATH) {
      const answer = error instanceof OAuthError ? error : oauthErrorOf(refusal);
      this.rejections.inc({ code: answer.options.code });
      return sendOAuthError(reply, answer);
    }
    const answer = refusal ?? INTERNAL;
    this.rejections.inc({ code: answer.code });
    if (answer.status === 401) void reply.header('www-authenticate', challengeFor(request));
    sendProblem(reply, answer);
  }

  private logUnforeseen(error: unknown, request: FastifyRequest): void {
    // The route's pattern, not the address: that may hold what people wrote.
    const what = `${request.method} ${request.routeOptions.url ?? 'unknown route'} (request ${request.id})`;
    this.logger.error(`${what}: ${error instanceof Error ? error.message : 'not an error'}`, stackOf(error));
  }
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);

function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query < 0 ? request.url : request.url.slice(0, query);
}

/** RFC 6750, 3.1: no error code for who sent no token at all. */
function challengeFor(request: FastifyRequest): string {
  return request.headers.authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"';
}
