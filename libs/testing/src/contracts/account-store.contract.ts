import type { AccountStore, SigningKey } from '@troupe/ports';
import { uniqueId } from './database.harness';

export interface AccountHarness {
  accounts: AccountStore;
  /** Makes a service client. */
  createService(service: { id: string; secretHash: string; scopes: string[] }): Promise<void>;
  close(): Promise<void>;
}

/** What every {@link AccountStore} does. `open` gives a store without a signing key; one for the whole suite. */
export function accountStoreContract(name: string, open: () => Promise<AccountHarness>): void {
  describe(`account store: ${name}`, () => {
    let harness: AccountHarness;
    let accounts: AccountStore;

    beforeAll(async () => {
      harness = await open();
      accounts = harness.accounts;
    }, 60_000);
    afterAll(() => harness.close());

    const create = (id: string, passwordHash = 'hash') =>
      accounts.createUser({ id, name: `The ${id}`, passwordHash });

    it('gives a user back as it was made', async () => {
      const id = uniqueId('Ann_');
      expect(await accounts.createUser({ id, name: 'Änn 😀 "A"', passwordHash: '$argon2id$v=19$x,y' })).toBe(
        true,
      );
      expect(await accounts.user(id)).toEqual({ id, name: 'Änn 😀 "A"' });
      expect(await accounts.passwordHash(id)).toBe('$argon2id$v=19$x,y');
    });

    it('does not give an id twice, in whatever case, and changes nothing', async () => {
      const id = uniqueId('Bob');
      await create(id);
      expect(await create(id, 'other')).toBe(false);
      expect(await create(id.toLowerCase(), 'other')).toBe(false);
      expect(await create(id.toUpperCase(), 'other')).toBe(false);
      expect(await accounts.passwordHash(id)).toBe('hash');
      expect(await accounts.user(id.toUpperCase())).toBeNull();
    });

    it('gives an id to one of many who ask at once', async () => {
      const id = uniqueId('cat');
      const made = await Promise.all(Array.from({ length: 8 }, (_, i) => create(id, `hash ${i}`)));
      expect(made.filter(Boolean)).toHaveLength(1);
      expect(await accounts.passwordHash(id)).toBe(`hash ${made.indexOf(true)}`);
    });

    it('knows nothing of a user who is not there', async () => {
      const id = uniqueId('nobody');
      expect(await accounts.user(id)).toBeNull();
      expect(await accounts.passwordHash(id)).toBeNull();
      expect(await accounts.service(id)).toBeNull();
    });

    it('tells which of many ids exist', async () => {
      const [ann, ben, nobody] = ['ann', 'ben', 'nobody'].map(uniqueId) as [string, string, string];
      await create(ann);
      await create(ben);
      expect(await accounts.existing([ann, nobody, ben, ann])).toEqual(new Set([ann, ben]));
      expect(await accounts.existing([])).toEqual(new Set());
    });

    it('gives a service client with its scopes', async () => {
      const service = { id: uniqueId('svc'), secretHash: 'secret', scopes: ['rooms', 'publish', 'a,b"{}'] };
      await harness.createService(service);
      expect(await accounts.service(service.id)).toEqual(service);
    });

    it('gives one signing key to all who ask at once, and the same ever after', async () => {
      let made = 0;
      const make = async (): Promise<SigningKey> => {
        const n = ++made;
        return {
          kid: uniqueId('key'),
          privateJwk: { kty: 'OKP', d: `secret ${n}` },
          publicJwk: { kty: 'OKP', x: `${n}` },
        };
      };
      const keys = await Promise.all(Array.from({ length: 4 }, () => accounts.signingKey(make)));
      for (const key of keys) expect(key).toEqual(keys[0]);
      const before = made;
      expect(await accounts.signingKey(make)).toEqual(keys[0]);
      expect(made).toBe(before);
    });
  });
}
