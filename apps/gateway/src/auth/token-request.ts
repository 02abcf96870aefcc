import { OAuthError, invalidRequest } from './oauth.error';

/** A request to the token endpoint that has everything its grant needs. */
export type TokenRequest =
  | { grant: 'password'; user: string; password: string }
  | { grant: 'client_credentials'; client: string; secret: string; scopes?: string[]; basic: boolean };

const BASIC = /^Basic +([A-Za-z0-9+/=]+)$/i;

/**
 * Reads a token request: the form, and the client's name and secret from it or from HTTP Basic.
 * Parameters that are not known are ignored, as RFC 6749 demands; one that comes twice, or none where one is needed,
 * is `invalid_request`.
 */
export function readTokenRequest(form: unknown, authorization: string | undefined): TokenRequest {
  if (!(form instanceof URLSearchParams)) {
    throw invalidRequest('the body must be application/x-www-form-urlencoded');
  }
  const grant = required(form, 'grant_type');
  switch (grant) {
    case 'password':
      return { grant, user: required(form, 'username'), password: required(form, 'password') };
    case 'client_credentials': {
      const scope = optional(form, 'scope');
      return {
        grant,
        ...readClient(form, authorization),
        ...(scope === undefined ? {} : { scopes: readScopes(scope) }),
      };
    }
    default:
      throw new OAuthError('unsupported_grant_type', 'this grant type is not supported', {
        status: 400,
        code: 'bad_request',
      });
  }
}

function readClient(
  form: URLSearchParams,
  authorization: string | undefined,
): { client: string; secret: string; basic: boolean } {
  if (authorization === undefined) {
    return { client: required(form, 'client_id'), secret: required(form, 'client_secret'), basic: false };
  }
  if (form.has('client_secret')) throw invalidRequest('the client authenticates twice');
  const [client, secret] = readBasic(authorization);
  const named = optional(form, 'client_id');
  if (named !== undefined && named !== client) throw invalidRequest('client_id is not the one authenticated');
  return { client, secret, basic: true };
}

function readBasic(authorization: string): [client: string, secret: string] {
  const encoded = BASIC.exec(authorization)?.[1];
  const pair = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 0) throw badBasic();
  try {
    // RFC 6749, 2.3.1: both are form-encoded before they are put together.
    return [formDecode(pair.slice(0, colon)), formDecode(pair.slice(colon + 1))];
  } catch {
    throw badBasic();
  }
}

const formDecode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

const badBasic = (): OAuthError => invalidClient('the Authorization header cannot be read', true);

/** A client that is unknown or has the wrong secret. */
export function invalidClient(description: string, basic: boolean): OAuthError {
  return new OAuthError('invalid_client', description, {
    status: 401,
    code: 'unauthenticated',
    ...(basic ? { challenge: 'Basic realm="troupe"' } : {}),
  });
}

function readScopes(scope: string): string[] {
  return [...new Set(scope.split(' ').filter((s) => s !== ''))];
}

function optional(form: URLSearchParams, name: string): string | undefined {
  const values = form.getAll(name);
  if (values.length > 1) throw invalidRequest(`${name} must come once`);
  // An empty value counts as none (RFC 6749, 3.2).
  return values[0] === '' ? undefined : values[0];
}

function required(form: URLSearchParams, name: string): string {
  const value = optional(form, name);
  if (value === undefined) throw invalidRequest(`${name} is missing`);
  return value;
}
