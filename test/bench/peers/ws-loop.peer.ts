import { servePeer } from './peer';

// Plain `ws`, as its own broadcast example has it: a loop that sends the text to each client.
servePeer((members, data) => {
  const text = data.toString();
  for (const { ws } of members) ws.send(text);
});
