/**
 * `createInspector(…).inspect({ reference, pullSecrets, budgetMs })` returns the platforms of an image, or why they are
 * unknown. All access to registries goes through this package; requests, credentials, caches and limits are private.
 */
export { createInspector } from './create-inspector.ts';
export type { InspectorOptions, RedisOptions, RedisSource } from './create-inspector.ts';
export type { ClusterId } from './cache/cache-keys.ts';
export { HARD_TTL_MS, SOFT_TTL_MS } from './cache/tag-times.ts';
export type { InspectionPriority, InspectRequest } from './inspect/inspect-request.ts';
export type { PlatformCheck, PlatformCheckRequest } from './inspect/platform-checker.ts';
export type { Inspector } from './inspect/inspector.ts';
export type { PullSecret } from './auth/credential.ts';
export { fixedRegistries, readRegistriesFile } from './config/registries-file.ts';
export type { RegistriesSource } from './config/registries-file.ts';
export { followRegistries, WatchedRegistries } from './config/watched-registries.ts';
export type { FollowedRegistries } from './config/watched-registries.ts';
export { DEFAULT_REGISTRIES, parseRegistries, Registries } from './config/registries.ts';
export type { RegistriesConfig } from './config/schema.ts';
export { NoProxy } from './config/no-proxy.ts';
export type { EnvironmentProxies } from './config/proxies.ts';
export { parseProxyUrl } from './config/proxy-url.ts';
export type { Proxy } from './config/proxy-url.ts';
export { parseRedisUrl } from './cache/redis/target.ts';
export type { RedisNode, RedisTarget } from './cache/redis/target.ts';
export { RegistryError } from './errors.ts';
export type { RegistryErrorCode } from './errors.ts';
export { NO_METRICS } from './metrics.ts';
export type { RegistryMetrics, RequestOutcome, RequestPurpose } from './metrics.ts';
export type { Logger } from './logger.ts';
