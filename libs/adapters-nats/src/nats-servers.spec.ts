import { parseServers } from './nats-servers';

describe('a list of NATS URLs', () => {
  it('gives host and port, by default 4222', () => {
    const [first, second, third] = parseServers('nats://one, nats://two:80,nats://[::1]:5000/');
    expect(first).toEqual({ host: 'one', port: 4222, label: 'one:4222', credentials: {} });
    expect(second).toMatchObject({ host: 'two', port: 80 });
    expect(third).toMatchObject({ host: '::1', port: 5000, label: '[::1]:5000' });
  });

  it('gives credentials, which its label does not hold', () => {
    const [password, token] = parseServers('nats://us%40er:p%3Ass@host,tls://t0ken@host');
    expect(password).toMatchObject({ label: 'host:4222', credentials: { user: 'us@er', pass: 'p:ss' } });
    expect(token).toMatchObject({ label: 'host:4222', credentials: { token: 't0ken', tls: {} } });
  });

  it.each(['', 'host:4222', 'http://host', 'nats://', 'nats://host/path', 'nats://a,', 'nats://s3cret:x@'])(
    'refuses %j without repeating it',
    (urls) => expect(() => parseServers(urls)).toThrow(/^not a NATS URL: expected nats:\/\/host:port/),
  );
});
