export { openNatsBus } from './nats-message-bus';
export type { NatsBusEvent, NatsBusOptions } from './nats-bus.options';
