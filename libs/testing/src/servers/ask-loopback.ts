import { connect } from 'node:net';

const ANSWER_MS_MAX = 2_000;

/**
 * Connects to a loopback port, sends `question`, and gives the answer's text as soon as it `isWhole`.
 * Throws when refused, cut off, or silent for 2 s.
 */
export function askLoopback(
  port: number,
  question: string,
  isWhole: (answer: string) => boolean,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error(`silent after ${answer.length} bytes`)));
    socket.once('connect', () => socket.write(question));
    socket.on('data', (chunk) => {
      answer += chunk.toString('utf8');
      if (!isWhole(answer)) return;
      resolve(answer);
      socket.destroy();
    });
    socket.once('error', reject);
    // After resolve this is without effect.
    socket.once('close', () => reject(new Error(`cut off after ${answer.length} bytes`)));
  });
}
