import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import {
  AccountsService,
  AttemptLimiter,
  PasswordHasher,
  SigningKeys,
  TokenIssuer,
  TokenVerifier,
} from '@troupe/people';
import { ACCOUNT_STORE, CLOCK, type AccountStore, type Clock } from '@troupe/ports';
import { BearerGuard } from './bearer.guard';
import { TokenController } from './token.controller';

export interface AuthSettings {
  tokenTtlS: number;
  argon2Concurrency: number;
  argon2QueueMax: number;
  loginPerMinute: number;
  registerPerMinute: number;
}

export interface AuthOptions {
  settings: AuthSettings;
  /** Modules that export ACCOUNT_STORE and CLOCK, unless a global one does. */
  imports?: NonNullable<ModuleMetadata['imports']>;
}

/**
 * Who somebody is: accounts, tokens, and the guard of the HTTP routes.
 * Global, so that the HTTP and the WebSocket side share one verifier with its cache.
 */
@Module({})
export class AuthModule {
  static register({ settings, imports = [] }: AuthOptions): DynamicModule {
    return {
      module: AuthModule,
      global: true,
      imports,
      controllers: [TokenController],
      providers: [
        {
          provide: SigningKeys,
          useFactory: (accounts: AccountStore) => new SigningKeys(accounts),
          inject: [ACCOUNT_STORE],
        },
        {
          provide: TokenVerifier,
          useFactory: (keys: SigningKeys) => new TokenVerifier(keys),
          inject: [SigningKeys],
        },
        {
          provide: AccountsService,
          useFactory: (accounts: AccountStore, keys: SigningKeys, clock: Clock) =>
            accountsService(settings, accounts, keys, clock),
          inject: [ACCOUNT_STORE, SigningKeys, CLOCK],
        },
        BearerGuard,
      ],
      exports: [TokenVerifier, AccountsService, BearerGuard],
    };
  }
}

function accountsService(
  settings: AuthSettings,
  accounts: AccountStore,
  keys: SigningKeys,
  clock: Clock,
): AccountsService {
  const hasher = new PasswordHasher({
    concurrency: settings.argon2Concurrency,
    queueMax: settings.argon2QueueMax,
  });
  const nowMs = (): number => clock.nowMs();
  return new AccountsService(accounts, hasher, new TokenIssuer(keys, settings.tokenTtlS), {
    login: new AttemptLimiter(settings.loginPerMinute, nowMs),
    register: new AttemptLimiter(settings.registerPerMinute, nowMs),
  });
}
