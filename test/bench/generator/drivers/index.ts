import type { DriverName } from '../commands';
import type { Driver } from './driver';
import { natsDriver } from './nats.driver';
import { plainDriver } from './plain.driver';
import { socketioDriver } from './socketio.driver';
import { troupeDriver } from './troupe.driver';

export const drivers: Record<DriverName, Driver> = {
  plain: plainDriver,
  socketio: socketioDriver,
  nats: natsDriver,
  troupe: troupeDriver,
};
