export { KubeError } from './errors.ts';
export type { KubeErrorCode } from './errors.ts';
export { ApiClient } from './http/api-client.ts';
export type { Api, ApiClientOptions, ApiRequest, ListRequest, WatchRequest, WatchStream } from './http/api-client.ts';
export { ObservedApi } from './http/observed-api.ts';
export type { EndedRequest, ObservedApiOptions } from './http/observed-api.ts';
export { bodyOrThrow } from './http/response.ts';
export type { ApiResponse, StatusError, ApiSuccess } from './http/response.ts';
export { fixedCredentials } from './http/credentials.ts';
export type { Credentials, CredentialSource, TlsCredentials } from './http/credentials.ts';
export { KubeConfigCredentials, readContextName } from './http/kube-config.ts';
export type { KubeConfigLocation } from './http/kube-config.ts';
export {
  CONFIG_MAPS,
  DEPLOYMENTS,
  EVENTS,
  LEASES,
  NAMESPACES,
  NODES,
  PODS,
  resourcePath,
  SECRETS,
  SERVICE_ACCOUNTS,
  WEBHOOK_CONFIGURATIONS,
} from './http/paths.ts';
export type { ObjectLocation, Query, Resource } from './http/paths.ts';
export { Backoff } from './reflector/backoff.ts';
export type { BackoffTiming } from './reflector/backoff.ts';
export { Reflector } from './reflector/reflector.ts';
export type { ReflectorOptions } from './reflector/reflector.ts';
export { Store } from './reflector/store.ts';
export type { IndexFunction, ReadStore, StoreEvent, StoreListener, StoreOptions } from './reflector/store.ts';
export type { ReflectorFailure, ReflectorObserver } from './reflector/observer.ts';
export { WorkQueue } from './queue/work-queue.ts';
export type { WorkQueueOptions } from './queue/work-queue.ts';
export type { RateLimitTiming } from './queue/rate-limit.ts';
export { runWorkers } from './queue/workers.ts';
export type { Reconcile, ReconcileResult, WorkersObserver } from './queue/workers.ts';
export { LeaderElection, LEADER_TIMING } from './lease/leader-election.ts';
export type { LeaderElectionOptions, Leadership, LeaderTiming } from './lease/leader-election.ts';
export type { LeaseState } from './lease/lease-tracker.ts';
export { LeaseObserver } from './lease/lease-observer.ts';
export type { LeaseObserverOptions } from './lease/lease-observer.ts';
export { SharedLease } from './lease/shared-lease.ts';
export type { SharedLeaseOptions } from './lease/shared-lease.ts';
export type { LeaseLocation } from './lease/lease-api.ts';
export { DeploymentOwner } from './owner/deployment-owner.ts';
export type { DeploymentOwnerOptions } from './owner/deployment-owner.ts';
export { createdMetadata, OwnedMetadata } from './owner/owned-metadata.ts';
export type { OwnedMetadataOptions } from './owner/owned-metadata.ts';
export { readOwner, withOwner } from './owner/owner-reference.ts';
export type { DeploymentLocation, OwnerReference } from './owner/owner-reference.ts';
export { createProbePod, PROBE_LABELS } from './probe/probe-pod.ts';
export { MAX_SECRET_BYTES, readSecret } from './secret/read-secret.ts';
export type { SecretLocation, SecretObject, SecretRead } from './secret/read-secret.ts';
export { evict } from './evict/evict.ts';
export type { EvictionTarget } from './evict/evict.ts';
export type { EvictionResult } from './evict/eviction-result.ts';
export { EventRecorder } from './events/event-recorder.ts';
export type { EventObserver, EventRecorderOptions } from './events/event-recorder.ts';
export type { EventInput, EventRegarding } from './events/event-body.ts';
export { applyStatus } from './apply/apply.ts';
export type { ApplyResult, ApplyStatusRequest } from './apply/apply.ts';
