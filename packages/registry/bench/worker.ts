/**
 * One process of the benchmark of inspections. It runs the task in its first argument (JSON) and prints the
 * measurements (JSON). e2e/bench/inspect runs the benchmark, and provides the registry and Redis for this process.
 */
import { PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '@archpolicy/async';
import { createInspector, fixedRegistries, parseRegistries, Registries } from '../src/index.ts';
import type { Inspector, PullSecret } from '../src/index.ts';
import { MemoryCache } from '../src/cache/memory-cache.ts';
import { computeDigest } from '../src/inspect/digest.ts';

interface Task {
  readonly kind: 'inspect' | 'revalidate' | 'memory-hits' | 'redis-hits' | 'latency' | 'digests' | 'silent';
  /** References to inspect concurrently. */
  readonly references: readonly string[];
  /** Docker config files, one per tenant. If absent, inspections are anonymous. */
  readonly secrets?: readonly string[];
  /** How often each reference is inspected. */
  readonly times: number;
  readonly redisUrl?: string;
}

/** The offset of the inspector's clock. */
let shiftMs = 0;
const clock = {
  ...systemClock(),
  now: () => Date.now() + shiftMs,
  monotonic: () => performance.now() + shiftMs,
};

const BUDGET_MS = 10_000;
const SILENT_BUDGET_MS = 50;
const WARM_UP = 20_000;
/** By how much the clock advances between two inspections. It is longer than the soft TTL of a tag. */
const LATER_MS = 11 * 60_000;
/** Number of answers from Redis that are reported separately, as the answers of a process that has just started. */
const FIRST_HITS = 500;
/** The target for a result from Redis. */
const SLOW_MS = 1;
/**
 * Number of warm-up inspections. After them, the code is loaded, connections are open, and an outage of Redis is
 * detected.
 */
const UNNOTICED = 50;

function createWorkerInspector({ redisUrl }: Task): Inspector {
  const file = parseRegistries('registries: [{host: "127.0.0.1:*", plainHttp: true, allowAddresses: [127.0.0.0/8]}]');
  const redis = redisUrl === undefined ? {} : { clusterId: () => 'bench', redis: { url: redisUrl, cacheKey: 'bench' } };
  return createInspector({ clock, registries: fixedRegistries(new Registries(file)), ...redis });
}

const firstReference = (task: Task): string => task.references[0] ?? '';

/** Runs all inspections concurrently, and returns how many were resolved. */
async function inspectAll(task: Task, inspector: Inspector): Promise<object> {
  const secrets: readonly (readonly PullSecret[])[] = task.secrets?.map((json) => [
    { type: 'kubernetes.io/dockerconfigjson', json },
  ]) ?? [[]];
  const requests = Array.from({ length: task.times }).flatMap(() =>
    task.references.flatMap((reference) =>
      secrets.map((pullSecrets) => ({ reference, pullSecrets, budgetMs: BUDGET_MS })),
    ),
  );
  const inspections = await Promise.all(requests.map((request) => inspector.inspect(request)));
  return { resolved: inspections.filter(({ kind }) => kind === 'resolved').length, inspections: inspections.length };
}

/** Inspects twice, the second time after the soft TTL. */
async function revalidate(task: Task, inspector: Inspector): Promise<object> {
  await inspectAll(task, inspector);
  shiftMs = LATER_MS;
  return inspectAll(task, inspector);
}

/** Measures how long consecutive inspections take (milliseconds). Each inspects an uncached tag. */
async function latency(task: Task, inspector: Inspector): Promise<object> {
  const times: number[] = [];
  let resolved = 0;
  for (const [at, reference] of task.references.entries()) {
    const start = performance.now();
    const inspection = await inspector.inspect({ reference, budgetMs: BUDGET_MS });
    if (at >= UNNOTICED) times.push(performance.now() - start);
    if (inspection.kind === 'resolved') resolved += 1;
  }
  return { resolved, ...percentiles(times) };
}

function percentiles(times: number[]): { readonly p50: number; readonly p99: number } {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Measures microseconds of one answer from memory. */
async function memoryHits(task: Task, inspector: Inspector): Promise<object> {
  const request = { reference: firstReference(task), budgetMs: BUDGET_MS };
  for (let at = 0; at < WARM_UP; at += 1) await inspector.inspect(request);
  const start = performance.now();
  for (let at = 0; at < task.times; at += 1) await inspector.inspect(request);
  return { microseconds: ((performance.now() - start) * 1000) / task.times };
}

/**
 * Measures how long answers from Redis take (milliseconds). Each tag is new to this process, so that no answer comes
 * from memory. The first answers are reported separately, because a process that has just started compiles its code and
 * grows its heap. The p99 of these 500 answers is only the fifth-slowest answer.
 */
async function redisHits(task: Task, inspector: Inspector): Promise<object> {
  const answers: { readonly start: number; readonly ms: number }[] = [];
  const pauses: PerformanceEntry[] = [];
  const collections = new PerformanceObserver((list) => void pauses.push(...list.getEntries()));
  collections.observe({ entryTypes: ['gc'] });
  let cpu = process.cpuUsage();
  for (const [at, reference] of task.references.entries()) {
    if (at === FIRST_HITS) cpu = process.cpuUsage();
    const start = performance.now();
    const inspection = await inspector.inspect({ reference, budgetMs: BUDGET_MS });
    if (inspection.kind === 'resolved' && inspection.source === 'redis') {
      answers.push({ start, ms: performance.now() - start });
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  // Garbage collections are reported with a delay.
  await delay(20);
  collections.disconnect();
  const later = answers.slice(FIRST_HITS);
  const slow = later.filter(({ ms }) => ms > SLOW_MS);
  const paused = slow.filter(({ start, ms }) =>
    pauses.some((pause) => pause.startTime < start + ms && pause.startTime + pause.duration > start),
  );
  return {
    hits: answers.length,
    first: percentiles(answers.slice(0, FIRST_HITS).map(({ ms }) => ms)).p99,
    ...percentiles(later.map(({ ms }) => ms)),
    cpuMs: (user + system) / 1000 / later.length,
    slow: slow.length,
    paused: paused.length,
  };
}

/** Measures how much heap the facts of `times` digests take (MiB). */
function digests(task: Task): object {
  const cache = new MemoryCache();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < task.times; at += 1) {
    const digest = computeDigest(Buffer.from(`${at}`));
    const platforms = (['amd64', 'arm64'] as const).map((architecture) => ({ os: 'linux', architecture }));
    cache.putFacts(digest, { content: { kind: 'platforms', platforms }, source: 'registry' });
  }
  globalThis.gc?.();
  const mib = (process.memoryUsage().heapUsed - before) / 1024 ** 2;
  const retained = Array.from({ length: task.times }).filter(
    (_, at) => cache.facts(computeDigest(Buffer.from(`${at}`)), 0) !== undefined,
  );
  return { mib, kept: retained.length };
}

/** Measures the cost of calls to a registry that never answers, for the callers and this process. */
async function silent(task: Task, inspector: Inspector): Promise<object> {
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const delaysMs: number[] = [];
  for (let at = 0; at < task.times; at += 50) {
    const start = performance.now();
    await Promise.all(
      Array.from({ length: 50 }, (_, offset) =>
        inspector.inspect({ reference: `${firstReference(task)}-${at + offset}:v1`, budgetMs: SILENT_BUDGET_MS }),
      ),
    );
    delaysMs.push(performance.now() - start - SILENT_BUDGET_MS);
  }
  const start = performance.now();
  const other = await inspector.inspect({ reference: task.references[1] ?? '', budgetMs: BUDGET_MS });
  const otherMs = performance.now() - start;
  globalThis.gc?.();
  const mib = (process.memoryUsage().heapUsed - before) / 1024 ** 2;
  const sockets = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  return { lateMs: Math.max(...delaysMs), mib, sockets, otherMs, other: other.kind };
}

async function run(task: Task): Promise<object> {
  if (task.kind === 'digests') return digests(task);
  const inspector = createWorkerInspector(task);
  const tasks = {
    inspect: inspectAll,
    revalidate,
    'memory-hits': memoryHits,
    'redis-hits': redisHits,
    latency,
    silent,
  };
  // Load the code and connect to Redis before measuring.
  if (task.kind === 'memory-hits') await inspectAll({ ...task, times: 1 }, inspector);
  const result = await tasks[task.kind](task, inspector);
  // Wait for writes to Redis, which inspections do not await.
  if (task.redisUrl !== undefined) await delay(200);
  await inspector.close();
  return result;
}

process.stdout.write(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '') as Task)));
