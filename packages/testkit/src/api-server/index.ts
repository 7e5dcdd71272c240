export { FakeApiServer } from './fake-api-server.ts';
export type { ApiFault, ApiFaultRule, ApiRequestSeen, CollectionServer } from './fake-api-server.ts';
export type { Change, Collection } from './collection.ts';
export type { OpenWatch } from './open-watch.ts';
export { statusObject } from './status-object.ts';
export { ManyPods } from './many-pods/many-pods.ts';
export type { ManyPodsSize } from './many-pods/many-pods.ts';
export { podText } from './many-pods/pod-template.ts';
export type { PodValues } from './many-pods/pod-template.ts';
