export { BusServer, type BusServerOptions } from './nest/bus-server';
export { BusContext } from './nest/bus.context';
export { BusEvent, BusRequest } from './nest/bus.decorators';
export type { BusHandlerOptions, RefusalCode } from './bus-handler.options';
