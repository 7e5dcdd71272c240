import { enumHistogram, observedGauge } from './enum-metrics.ts';
import type { Registry } from './enum-metrics.ts';
import { hostGauge, hostHistogram } from './host-metrics.ts';

const REDIS_OUTCOMES = ['reply', 'refused', 'unavailable'] as const;

/** Upper bounds of the duration buckets, seconds: from a HEAD in the same network to the timeout of an inspection. */
const REQUEST_BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];
/** Upper bounds, seconds, around the timeout of 50 ms. */
const REDIS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];

const MS_PER_SECOND = 1_000;

/** The callbacks with which the inspector measures registries, Redis and the registries file. */
export interface RegistryHealth {
  readonly requestTook: (host: string, tookMs: number) => void;
  readonly watchCircuits: (read: () => Iterable<readonly [host: string, open: number]>) => void;
  readonly redisCommand: (outcome: (typeof REDIS_OUTCOMES)[number], tookMs: number) => void;
  readonly watchRedis: (isUp: () => boolean) => void;
  readonly registriesFileValid: (atMs: number) => void;
}

/** Declares the metrics of the health of registries, Redis and the registries file. */
export function declareRegistryHealth(registry: Registry): RegistryHealth {
  return { ...declareRegistries(registry), ...declareRedis(registry), ...declareRegistriesFile(registry) };
}

function declareRegistries(registry: Registry): Pick<RegistryHealth, 'requestTook' | 'watchCircuits'> {
  const observe = hostHistogram({
    registry,
    name: 'archpolicy_registry_request_duration_seconds',
    help: 'Duration of requests to registries, by host if the registries file names it. Without the wait for limits.',
    buckets: REQUEST_BUCKETS,
  });
  let readCircuits = (): Iterable<readonly [string, number]> => [];
  hostGauge({
    registry,
    name: 'archpolicy_registry_circuits_open',
    help: 'Registry hosts whose circuit breaker is open, by host if the registries file names it.',
    read: () => readCircuits(),
  });
  return {
    requestTook: (host, tookMs) => {
      observe(host, tookMs / MS_PER_SECOND);
    },
    watchCircuits: (read) => {
      readCircuits = read;
    },
  };
}

function declareRedis(registry: Registry): Pick<RegistryHealth, 'redisCommand' | 'watchRedis'> {
  let isRedisUp: (() => boolean) | undefined;
  observedGauge({
    registry,
    name: 'archpolicy_redis_up',
    help: '1 while Redis answers, 0 while it does not and is only probed. Absent without Redis.',
    read: () => isRedisUp && Number(isRedisUp()),
  });
  const commands = enumHistogram({
    registry,
    name: 'archpolicy_redis_command_duration_seconds',
    help: 'Duration of commands that were sent to Redis, by outcome.',
    labels: { outcome: REDIS_OUTCOMES },
    buckets: REDIS_BUCKETS,
  });
  return {
    redisCommand: (outcome, tookMs) => {
      commands.observe({ outcome }, tookMs / MS_PER_SECOND);
    },
    watchRedis: (isUp) => {
      isRedisUp = isUp;
    },
  };
}

function declareRegistriesFile(registry: Registry): Pick<RegistryHealth, 'registriesFileValid'> {
  let validAtMs: number | undefined;
  observedGauge({
    registry,
    name: 'archpolicy_registries_file_last_success_timestamp_seconds',
    help: 'When the registries file and the files that it names were last read without a problem. Absent without a file.',
    read: () => validAtMs && validAtMs / MS_PER_SECOND,
  });
  return {
    registriesFileValid: (atMs) => {
      validAtMs = atMs;
    },
  };
}
