import { BusUnavailable } from '@troupe/ports';
import { SendWindow } from './send-window';

/** A server that confirms when it is told to. */
function server() {
  const asked: { resolve: () => void; reject: (error: Error) => void }[] = [];
  return {
    asked,
    confirm: () => new Promise<void>((resolve, reject) => asked.push({ resolve, reject })),
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('the window of bytes on their way', () => {
  it('refuses what would pass its bound until the server confirms', async () => {
    const { asked, confirm } = server();
    const window = new SendWindow(1_600, confirm);
    for (let i = 0; i < 16; i++) window.take(100);
    expect(() => window.take(1)).toThrow(BusUnavailable);
    await settled();
    // The first 200 bytes asked; only those sent until then are confirmed.
    expect(asked).toHaveLength(1);
    asked[0]!.resolve();
    await settled();
    window.take(200);
    expect(() => window.take(1)).toThrow(BusUnavailable);
    asked[1]!.resolve();
    await settled();
    window.take(1_400);
  });

  it('asks for nothing while little is on its way', async () => {
    const { asked, confirm } = server();
    const window = new SendWindow(1_600, confirm);
    window.take(100);
    await settled();
    expect(asked).toHaveLength(0);
  });

  it('asks once at a time', async () => {
    const { asked, confirm } = server();
    const window = new SendWindow(1_600, confirm);
    for (let i = 0; i < 10; i++) window.take(100);
    await settled();
    expect(asked).toHaveLength(1);
  });

  it('takes one message of any size when nothing is on its way', () => {
    const window = new SendWindow(100, server().confirm);
    window.take(5_000);
    expect(() => window.take(1)).toThrow(BusUnavailable);
  });

  it('stays full when its connection ends', async () => {
    const { asked, confirm } = server();
    const window = new SendWindow(100, confirm);
    window.take(100);
    await settled();
    asked[0]!.reject(new Error('gone'));
    await settled();
    expect(() => window.take(1)).toThrow(BusUnavailable);
  });
});
