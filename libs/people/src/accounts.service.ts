import type { AccountStore, UserRecord } from '@troupe/ports';
import { TroupeError, isId } from '@troupe/protocol';
import type { AttemptLimiter } from './attempt-limiter';
import type { PasswordHasher } from './password-hasher';
import type { IssuedToken, TokenIssuer } from './token-issuer';

export interface AttemptLimits {
  /** Per account and address. */
  login: AttemptLimiter;
  /** Per address. */
  register: AttemptLimiter;
}

/** Short whatever was sent: what can be no id shares one key. */
const attemptKey = (kind: 'user' | 'service', id: string, address: string): string =>
  `${kind} ${isId(id) ? id : '?'} ${address}`;

const badCredentials = (): TroupeError => new TroupeError('unauthenticated', 'wrong name or password');

/** Accounts: who they are, how they come to be, how they prove themselves. */
export class AccountsService {
  constructor(
    private readonly accounts: AccountStore,
    private readonly hasher: PasswordHasher,
    private readonly tokens: TokenIssuer,
    private readonly limits: AttemptLimits,
  ) {}

  /** Makes an account. Rejects with `user_exists`, `rate_limited`. `address`: the network address of who asks. */
  async register(user: { id: string; name: string; password: string }, address: string): Promise<UserRecord> {
    this.limits.register.take(address);
    const { id, name, password } = user;
    // Before the costly hash. A service's id is taken too: what both send says only `from`.
    const [taken, service] = await Promise.all([this.accounts.user(id), this.accounts.service(id)]);
    const passwordHash = taken || service ? undefined : await this.hasher.hash(password);
    if (passwordHash === undefined || !(await this.accounts.createUser({ id, name, passwordHash }))) {
      throw new TroupeError('user_exists', 'this id is taken');
    }
    return { id, name };
  }

  /** Rejects with `not_found`. */
  async profile(id: string): Promise<UserRecord> {
    const user = await this.accounts.user(id);
    if (!user) throw new TroupeError('not_found', 'no such user');
    return user;
  }

  /**
   * Checks a user's password and gives an access token. Rejects with `unauthenticated`, in the same words and after
   * the same work whether the account is unknown or the password wrong, and with `rate_limited`.
   */
  async logIn(credentials: { user: string; password: string }, address: string): Promise<IssuedToken> {
    const { user, password } = credentials;
    await this.attempt(attemptKey('user', user, address), async () =>
      this.hasher.verify(isId(user) ? await this.accounts.passwordHash(user) : null, password),
    );
    return this.tokens.issue({ id: user, kind: 'user' });
  }

  /**
   * Checks a service client's secret and gives a token with the scopes asked for, or all that it may have.
   * Rejects with `unauthenticated`, `rate_limited`, and `forbidden` for a scope that it may not have.
   */
  async logInService(
    credentials: { client: string; secret: string; scopes?: readonly string[] },
    address: string,
  ): Promise<IssuedToken> {
    const { client, secret, scopes } = credentials;
    const allowed = await this.attempt(attemptKey('service', client, address), async () => {
      const service = isId(client) ? await this.accounts.service(client) : null;
      const matches = await this.hasher.verify(service?.secretHash ?? null, secret);
      return matches && service ? service.scopes : false;
    });
    if (scopes?.some((scope) => !allowed.includes(scope))) {
      throw new TroupeError('forbidden', 'the client may not have this scope');
    }
    return this.tokens.issue({ id: client, kind: 'service' }, scopes ?? allowed);
  }

  /** One attempt to prove oneself. A right one does not count: logging in often is not guessing. */
  private async attempt<T>(key: string, check: () => Promise<T | false>): Promise<T> {
    this.limits.login.take(key);
    const proof = await check();
    if (proof === false) throw badCredentials();
    this.limits.login.giveBack(key);
    return proof;
  }
}
