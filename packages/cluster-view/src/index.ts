export { ARCHPOLICIES, createClusterView, createClusterViewWithPods, createCronJobView } from './cluster-view.ts';
export type {
  ClusterView,
  ClusterViewOptions,
  ClusterViewWithPods,
  PodViewOptions,
  ViewedResource,
  WatchedState,
} from './cluster-view.ts';
export type { CronJobView } from './cron-job-view.ts';
export type { NamespaceView } from './namespace-view.ts';
export type { NodeView } from './node-view.ts';
export { podKey } from './pod-view.ts';
export type { PodView } from './pod-view.ts';
export { isRelevantToPods } from './policy-view.ts';
export type { InvalidPolicy, PolicyEntry, PolicyView } from './policy-view.ts';
export type { ReadOutcome } from './pull-secrets/read-through-cache.ts';
export { CachedPullSecrets } from './pull-secrets/pull-secret-view.ts';
export type { PullSecretsResult, PullSecretView, PullSecretViewOptions } from './pull-secrets/pull-secret-view.ts';
export { PullSecretContent } from './pull-secrets/secret-content.ts';
export type { PullSecretType } from './pull-secrets/secret-content.ts';
