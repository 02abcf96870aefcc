import { Body, Controller, Header, Headers, HttpCode, Inject, Ip, Post } from '@nestjs/common';
import { AccountsService, type IssuedToken } from '@troupe/people';
import { TroupeError } from '@troupe/protocol';
import { OAuthError } from './oauth.error';
import { invalidClient, readTokenRequest, type TokenRequest } from './token-request';

/** Where tokens come from; errors there have OAuth's form. */
export const TOKEN_PATH = '/v1/oauth/token';

interface TokenResponse {
  access_token: string;
  token_type: 'Bearer';
  expires_in: number;
  scope?: string;
}

/** The OAuth 2.0 token endpoint. */
@Controller()
export class TokenController {
  constructor(@Inject(AccountsService) private readonly accounts: AccountsService) {}

  @Post(TOKEN_PATH)
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Header('Pragma', 'no-cache')
  async token(
    @Body() form: unknown,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<TokenResponse> {
    const request = readTokenRequest(form, authorization);
    const issued = await this.issue(request, address).catch((error: unknown) => {
      throw inOAuthWords(error, request);
    });
    return {
      access_token: issued.accessToken,
      token_type: 'Bearer',
      expires_in: issued.expiresInS,
      ...(issued.scope === undefined ? {} : { scope: issued.scope }),
    };
  }

  private issue(request: TokenRequest, address: string): Promise<IssuedToken> {
    switch (request.grant) {
      case 'password':
        return this.accounts.logIn(request, address);
      case 'client_credentials':
        return this.accounts.logInService(request, address);
    }
  }
}

/** The refusals whose OAuth name depends on the grant; others are named where all errors are. */
function inOAuthWords(error: unknown, request: TokenRequest): unknown {
  if (!(error instanceof TroupeError)) return error;
  switch (error.code) {
    case 'unauthenticated':
      if (request.grant === 'client_credentials') return invalidClient(error.message, request.basic);
      return new OAuthError('invalid_grant', error.message, { status: 400, code: error.code });
    case 'forbidden':
      return new OAuthError('invalid_scope', error.message, { status: 400, code: error.code });
    default:
      return error;
  }
}
