export { RedisConnection, RedisUnavailable, type RedisConnectionOptions } from './redis-connection';
export {
  openRedisPresenceStore,
  RedisPresenceStore,
  type RedisPresenceOptions,
} from './redis-presence-store';
