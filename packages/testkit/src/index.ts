export * from './performance/index.ts';
export * from './certificates/index.ts';
export * from './registry/index.ts';
export * from './clock/index.ts';
export * from './api-server/index.ts';
export * from './world.ts';
export * from './redis/index.ts';
export * from './fault-proxy/index.ts';
