export { FakeApiServer } from './fake-api-server.ts';
export type { ApiFault, ApiFaultRule, ApiRequestSeen } from './fake-api-server.ts';
export type { Change, Collection } from './collection.ts';
export type { OpenWatch } from './open-watch.ts';
export { statusObject } from './status-object.ts';
