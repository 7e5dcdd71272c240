/** `make bench-inspect`: measures requests, time and memory of inspections; writes docs/performance/inspect-*.json. */
import { cpus, loadavg } from 'node:os';
import { FakeRegistry, multiPlatformImage, RedisNode, spread, writePerformanceResult } from '@archpolicy/testkit';
import type { Measurement } from '@archpolicy/testkit';
import { countRequests, requestMeasurements } from './requests.ts';
import type { Counts } from './requests.ts';
import { getNumber, runTask } from './worker.ts';
import type { Measured } from './worker.ts';

/** `RUNS=1` checks that the bench works and writes nothing. */
const RUNS = Number(process.env['RUNS'] ?? '5');
const MIN_RUNS = 5;
const MEMORY_HITS = 300_000;
/**
 * Number of results that are read from Redis. The first 500 are reported separately, because the process is not warm
 * yet.
 */
const REDIS_HITS = 2_500;
const DIGESTS = 100_000;
const SILENT_CALLS = 1_000;

const REDIS_P99 = 'a result from Redis, p99';

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

interface Run {
  readonly counts: Counts;
  readonly memory: Measured;
  readonly redis: Measured;
  readonly digests: Measured;
  readonly silent: Measured;
}

/** Runs each measurement once, so that the runs of one measurement are spread over time. */
async function runOnce(): Promise<Run> {
  const counts = await countRequests();
  const [registry, hung, redis] = await Promise.all([
    new FakeRegistry().start(),
    new FakeRegistry().start(),
    new RedisNode().start(),
  ]);
  try {
    const tags = Array.from({ length: REDIS_HITS }, (_, at) => `v${at}`);
    for (const tag of tags) registry.push('app', tag, multiPlatformImage(['linux/amd64', 'linux/arm64'], tag));
    hung.fault = () => ({ kind: 'hang' });
    const references = tags.map((tag) => `${registry.host}/app:${tag}`);
    const shared = { times: 1, references, redisUrl: redis.url };
    // Run this task before the measurements, because it reads the images from the registry and stores the results in
    // Redis.
    await runTask({ ...shared, kind: 'redis-hits' });
    return {
      counts,
      memory: await runTask({ kind: 'memory-hits', times: MEMORY_HITS, references: references.slice(0, 1) }),
      redis: await runTask({ ...shared, kind: 'redis-hits' }),
      digests: await runTask({ kind: 'digests', times: DIGESTS, references: [] }),
      silent: await runTask({
        kind: 'silent',
        times: SILENT_CALLS,
        references: [`${hung.host}/app`, `${registry.host}/app:v0`],
      }),
    };
  } finally {
    await Promise.all([registry.stop(), hung.stop(), redis.stop()]);
  }
}

type Target = readonly [name: string, unit: string, runs: readonly number[], most: number];

function atMost([name, unit, runs, most]: Target): Measurement {
  return { name, unit, runs, target: `at most ${most} ${unit}`, met: spread(runs).median <= most };
}

function timeMeasurements(runs: readonly Run[]): readonly Measurement[] {
  const of = (part: 'memory' | 'redis' | 'digests' | 'silent', name: string): readonly number[] =>
    runs.map((run) => getNumber(run[part], name));
  const targets: readonly Target[] = [
    ['a result from memory', 'µs', of('memory', 'microseconds'), 2],
    [REDIS_P99, 'ms', of('redis', 'p99'), 1],
    ['heap of 100,000 digests', 'MiB', of('digests', 'mib'), 64],
    ['a silent registry: the latest of 1,000 callers after its deadline', 'ms', of('silent', 'lateMs'), 50],
    // 16 sockets to the silent host and one to the other host.
    ['a silent registry: sockets left after 1,000 calls', 'sockets', of('silent', 'sockets'), 17],
    ['a silent registry: heap grown by 1,000 calls', 'MiB', of('silent', 'mib'), 16],
    ['a silent registry: an inspection at another host', 'ms', of('silent', 'otherMs'), 100],
  ];
  const digestsKept = runs.every((run) => run.digests['kept'] === DIGESTS);
  if (!digestsKept) throw new Error('not all digests were kept: the memory bound is too tight to measure');
  return [...targets.map(atMost), ...redisDetails(of)];
}

function redisDetails(of: (part: 'redis', name: string) => readonly number[]): readonly Measurement[] {
  const explains = { unit: 'ms', target: 'none: explains the p99', met: true };
  return [
    { ...explains, name: 'a result from Redis, median', runs: of('redis', 'p50') },
    { ...explains, name: 'a result from Redis, CPU time of the calling process', runs: of('redis', 'cpuMs') },
    { ...explains, name: 'a result from Redis, p99 of the first 500 of a new process', runs: of('redis', 'first') },
  ];
}

/** Explanations of missed targets, by the name of the measurement. */
const PROFILES: Readonly<Record<string, (runs: readonly Run[]) => string>> = { [REDIS_P99]: redisProfile };

/**
 * Describes where the time is spent: in the process, in its garbage collection, or waiting for Redis and for a core.
 */
function redisProfile(runs: readonly Run[]): string {
  const of = (name: string): readonly number[] => runs.map(({ redis }) => getNumber(redis, name));
  const sum = (name: string): number => of(name).reduce((total, value) => total + value, 0);
  const [p50, cpu] = [spread(of('p50')).median, spread(of('cpuMs')).median];
  return [
    `median ${p50.toFixed(2)} ms; the calling process takes ${cpu.toFixed(2)} ms of CPU on average, the rest is Redis and waiting for a core`,
    `garbage collection ran during ${sum('paused')} of the ${sum('slow')} answers that took over 1 ms`,
  ].join('; ');
}

/** Adds the load of the machine to a missed target, because other processes are not part of the measurement. */
function addNote(measurement: Measurement, runs: readonly Run[]): Measurement {
  if (measurement.met) return measurement;
  const [load = Number.NaN] = loadavg();
  const busy = `load average ${load.toFixed(1)} on ${cpus().length} cores at the end of the runs`;
  const profile = PROFILES[measurement.name]?.(runs);
  return { ...measurement, note: profile === undefined ? busy : `${busy}; ${profile}` };
}

async function main(): Promise<void> {
  const runs: Run[] = [];
  for (let at = 1; at <= RUNS; at += 1) {
    print(`run ${at} of ${RUNS}`);
    runs.push(await runOnce());
  }
  const command = 'make bench-inspect';
  const requests = requestMeasurements(runs.map(({ counts }) => counts)).map((one) => addNote(one, runs));
  const times = timeMeasurements(runs).map((one) => addNote(one, runs));
  for (const { name, unit, runs: values, target, met } of [...requests, ...times]) {
    print(`${met ? 'met   ' : 'MISSED'} ${name}: ${spread(values).median.toPrecision(3)} ${unit} (${target})`);
  }
  if (RUNS < MIN_RUNS) return;
  await writePerformanceResult({
    name: 'inspect-requests',
    title: 'Registry requests of inspections',
    command,
    measurements: requests,
  });
  await writePerformanceResult({
    name: 'inspect-times',
    title: 'Time and memory of inspections',
    command,
    measurements: times,
  });
}

await main();
