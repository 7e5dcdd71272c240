export * from './redis-cluster.ts';
export { PRIMARY_NAME, RedisSentinel } from './redis-sentinel.ts';
export * from './redis-node.ts';
export * from './fake-redis.ts';
export type { RedisTls } from './redis-tls.ts';
