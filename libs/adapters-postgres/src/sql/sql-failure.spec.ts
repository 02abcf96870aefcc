import { StoreUnavailable } from '@troupe/ports';
import { SqlFailure, storeError } from './sql-failure';

/** What a driver throws for an answer of the server. */
class Answer extends Error {
  readonly severity = 'ERROR';
  readonly detail = 'Key (id)=(secret)';
  readonly constraint = 'x_pkey';
  constructor(
    readonly code: string,
    message = 'to 10.1.2.3',
  ) {
    super(message);
  }
}

/** What Node throws when a connection fails. */
class NoConnection extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

describe('an error of the driver', () => {
  it.each([
    '08006',
    '53300',
    '57P01',
    '57P02',
    '57P03',
    '57014',
    '55P03',
    '25P03',
    '25006',
    '40001',
    '40P01',
    '58030',
  ])('with SQLSTATE %s means that the database cannot do it now', (code) => {
    const error = storeError(new Answer(code));
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(error.message).toContain(code);
  });

  it.each([
    new NoConnection('ECONNREFUSED', 'connect ECONNREFUSED 10.1.2.3:5432'),
    new NoConnection('ETIMEDOUT', 'all of 10.1.2.3'),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
  ])('without an answer means that the database does not answer: %s', (thrown) => {
    const error = storeError(thrown);
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('10.1.2.3');
  });

  it('with any other SQLSTATE is internal, and shows neither a value nor a host', () => {
    const error = storeError(new Answer('22P02', 'invalid input "secret" from 10.1.2.3'));
    expect(error).toBeInstanceOf(SqlFailure);
    expect(error).toMatchObject({ code: 'internal', sqlState: '22P02', constraint: 'x_pkey' });
    expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/secret|10\.1/);
  });

  it('about the schema or the login keeps what the server says', () => {
    expect(storeError(new Answer('42P01', 'relation "x" does not exist')).message).toContain(
      'relation "x" does not exist',
    );
  });

  it('that is a bug of ours stays what it is', () => {
    const bug = new TypeError('x is not a function');
    expect(storeError(bug)).toBe(bug);
  });
});
