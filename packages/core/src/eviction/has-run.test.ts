import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '../inspection/inspection.ts';
import type { ContainerEvidence, PodFacts } from '../kubernetes/facts.ts';
import { decideEviction } from './decide.ts';
import { container, IMAGE, node, pod, resolved } from './fixtures/objects.ts';
import { buildInput, NOW, seconds, summarize } from './fixtures/eviction-case.ts';
import type { EvictionCase } from './fixtures/eviction-case.ts';

/** Title, case, decision, and why. */
type Row = readonly [string, EvictionCase, string, string];

function table(rows: readonly Row[]): void {
  test.each(rows)('%s', (_, row, expected) => {
    expect(summarize(decideEviction(buildInput(row)), row.now ?? NOW)).toBe(expected);
  });
}

const HOUR = seconds(3_600);
/** Supports amd64, the architecture of the node; `IMAGE` supports only arm64. */
const PROXY = 'registry.test/proxy:v1';
const images: ReadonlyMap<string, Inspection> = new Map([
  [IMAGE, resolved('linux/arm64')],
  [PROXY, resolved('linux/amd64', 'linux/arm64')],
]);

const ended = (seconds: number, message = '', exitCode = 1) => ({ reason: 'Error', exitCode, message, seconds });
const REFUSED = 'exec /app: exec format error';
const runningFor = (ageMs: number, changes: Partial<ContainerEvidence> = {}): ContainerEvidence =>
  container({ running: true, runningSinceMs: NOW - ageMs, ...changes });
/** With as many restarts as after an hour of crashing. */
const crashing = container({ restartCount: 16, lastTerminated: ended(0) });
const refusedAtExec = container({ restartCount: 5, lastTerminated: ended(0, REFUSED) });
const refusedAtPull = container({ waiting: { reason: 'ErrImagePull', message: 'no match for platform in manifest' } });
const sidecar = (changes: Partial<ContainerEvidence> = {}): ContainerEvidence =>
  runningFor(HOUR, { name: 'proxy', image: PROXY, ready: true, ...changes });

/** Bound an hour ago, after which the grace period is over; not Ready since then. */
const old = (containers: readonly ContainerEvidence[], changes: Partial<PodFacts> = {}): PodFacts =>
  pod({
    images: [IMAGE, PROXY],
    scheduled: { value: true, sinceMs: NOW - HOUR },
    ready: { value: false, sinceMs: NOW - HOUR },
    containers,
    ...changes,
  });
const turnedFalse = { ready: { value: false, sinceMs: NOW - 1, turnedFalse: true } } as const;
const is = (containers: readonly ContainerEvidence[], changes: Partial<PodFacts> = {}): EvictionCase => ({
  pod: old(containers, changes),
  images,
});
const hasBeenReady = true;

describe('R10 the node is not Ready', () => {
  const silent = node({ ready: false });
  // prettier-ignore
  table([
    ['R10 a pod that has never run', { node: silent }, 'wait NodeNotReady', 'its taints evict pods, and their status is as old as the kubelet’s last update'],
    ['R10 a pod that has run there', { node: silent, hasBeenReady }, 'report ReadyOnWrongArchitecture', 'the lasting reason comes first'],
    ['R10 a pod that the runtime refused', { node: silent, pod: pod({ containers: [refusedAtPull] }) }, 'wait NodeNotReady', 'even that may be outdated'],
    ['R10 the policy includes Ready pods', { node: silent, policy: { includeReady: true } }, 'wait NodeNotReady', 'no pod is evicted from such a node'],
    ['R10 in Audit', { node: silent, mode: 'Audit' }, 'wait NodeNotReady', 'Enforce would not evict it either'],
    ['R10 a bare pod', { node: silent, notReplaced: 'BarePod' }, 'report BarePod', 'the lasting reason comes first'],
    ['R10 cordoned', { node: node({ cordoned: true }) }, 'evict', 'a cordon keeps new pods away, but the kubelet still works'],
  ]);
});

describe('R10 a pod that this process has observed Ready', () => {
  // prettier-ignore
  table([
    ['R10 its readiness probe fails', { ...is([runningFor(HOUR)]), hasBeenReady }, 'report ReadyOnWrongArchitecture', 'the probe failed, not the program'],
    ['R10 it crashes at once', { ...is([crashing]), hasBeenReady }, 'report ReadyOnWrongArchitecture', 'an application whose database is down ends as fast as a refused program'],
    ['R10 it shows nothing', { ...is([container()]), hasBeenReady }, 'report ReadyOnWrongArchitecture', 'its node may have restarted'],
    ['R10 the kernel refuses it now', { ...is([refusedAtExec]), hasBeenReady }, 'evict', 'its tag resolves to other content'],
    ['R10 the runtime refuses it now', { ...is([refusedAtPull]), hasBeenReady }, 'evict', 'its tag resolves to other content'],
    ['R10 a sidecar whose image supports the node prints the message', { ...is([crashing, sidecar({ running: false, terminated: ended(0, REFUSED) })]), hasBeenReady }, 'report ReadyOnWrongArchitecture', 'a refusal counts only if the image does not support the node'],
    ['R10 it was refused once and has been running since', { ...is([runningFor(HOUR, { restartCount: 1, lastTerminated: ended(0, REFUSED) })]), hasBeenReady }, 'report ReadyOnWrongArchitecture', 'the end of an earlier run is outdated'],
    ['R10 it was refused a moment ago and has just restarted', { ...is([runningFor(500, { restartCount: 1, lastTerminated: ended(0, REFUSED) })]), hasBeenReady }, 'evict', 'a crash loop runs for a moment at each restart'],
    ['R10 the policy includes Ready pods', { ...is([crashing]), hasBeenReady, policy: { includeReady: true } }, 'evict', 'the policy wants misplaced pods evicted although they run'],
    ['R10 it is Ready again', { ...is([crashing], { ready: { value: true, sinceMs: NOW - seconds(3) } }), hasBeenReady }, 'wait ReadyTooShort 7s', 'it is about to be reported as Ready for long enough'],
    ['R10 in Audit', { ...is([crashing]), hasBeenReady, mode: 'Audit' }, 'report ReadyOnWrongArchitecture', 'Enforce would not evict it either'],
  ]);
});

describe('R10 pods that node autoscalers must not move', () => {
  const marked = { annotations: { 'karpenter.sh/do-not-disrupt': 'true' } };
  const unsafe = { annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' } };
  const ready = { ready: { value: true, sinceMs: NOW - HOUR } };
  const policy = { includeReady: true };
  // prettier-ignore
  table([
    ['R10 it is Ready, and the policy includes Ready pods', { ...is([runningFor(HOUR)], { ...marked, ...ready }), policy }, 'report DoNotDisrupt', 'its work would be lost'],
    ['R10 the same by the annotation of the cluster autoscaler', { ...is([runningFor(HOUR)], { ...unsafe, ...ready }), policy }, 'report DoNotDisrupt', 'the same'],
    ['R10 it is Ready', is([runningFor(HOUR)], { ...marked, ...ready }), 'report ReadyOnWrongArchitecture', 'a Ready pod stays in any case'],
    ['R10 it has run, and is refused now', { ...is([refusedAtExec], marked), hasBeenReady }, 'report DoNotDisrupt', 'other containers of it may still work'],
    ['R10 it has never run', is([crashing], marked), 'evict', 'nothing is lost, and it cannot run here'],
    ['R10 it has never run, by the annotation of the cluster autoscaler', is([crashing], unsafe), 'evict', 'the same'],
    ['R10 it may be disrupted', { ...is([refusedAtExec], { annotations: { 'karpenter.sh/do-not-disrupt': 'false', 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'true' } }), hasBeenReady }, 'evict', 'other values have no meaning'],
  ]);
});

describe('R10 a pod that has run and keeps crashing', () => {
  const crashes = (minutes: number, restarts: number, name = 'main'): EvictionCase['crashes'] => ({
    unreadyForMs: seconds(60 * minutes),
    restarts: new Map([[name, restarts]]),
  });
  const crashed = { ...is([crashing, sidecar()]), hasBeenReady };
  // prettier-ignore
  table([
    ['R10 not Ready for 15 minutes, three restarts in them', { ...crashed, crashes: crashes(15, 3) }, 'evict', 'it no longer runs there'],
    ['R10 not Ready for 14 minutes', { ...crashed, crashes: crashes(14, 9) }, 'report ReadyOnWrongArchitecture', 'its database may soon be back'],
    ['R10 not Ready for an hour, two restarts in the last 15 minutes', { ...crashed, crashes: crashes(60, 2) }, 'report ReadyOnWrongArchitecture', 'it was running for minutes in between'],
    ['R10 not Ready for an hour, and never restarted', { ...crashed, crashes: crashes(60, 0) }, 'report ReadyOnWrongArchitecture', 'a failing readiness probe does not depend on the node'],
    ['R10 three restarts of a sidecar whose image supports the node', { ...crashed, crashes: crashes(60, 3, 'proxy') }, 'report ReadyOnWrongArchitecture', 'it would crash on every node'],
    ['R10 the same of a pod that only its status shows to have run', { ...is([container({ restartCount: 3, lastTerminated: ended(3_600) })]), crashes: crashes(15, 3) }, 'evict', 'the last three runs may have been long, but 15 minutes without readiness are not'],
    ['R10 the same while its node is not Ready', { ...crashed, node: node({ ready: false }), crashes: crashes(15, 3) }, 'wait NodeNotReady', 'no pod is evicted from such a node'],
    ['R10 the same of a pod that is Ready now', { ...is([crashing], { ready: { value: true, sinceMs: NOW - seconds(10) } }), crashes: crashes(15, 3) }, 'report ReadyOnWrongArchitecture', 'it runs again'],
  ]);
});

describe('R10 what containers show after a restart of the operator', () => {
  const grace = (gracePeriodAfterScheduling: string): EvictionCase => ({ policy: { gracePeriodAfterScheduling } });
  // prettier-ignore
  table([
    ['R10 its program has been running for an hour', is([runningFor(HOUR)]), 'report ReadyOnWrongArchitecture', 'a refused program ends within a second'],
    ['R10 for more than the grace period', is([runningFor(seconds(31))]), 'report ReadyOnWrongArchitecture', 'the same'],
    ['R10 for the grace period', is([runningFor(seconds(30))]), 'wait GracePeriod 0.001s', 'it is about to outlast it: a refused program would have ended'],
    ['R10 for less than the grace period that the policy sets', { ...is([runningFor(seconds(59))]), ...grace('1m') }, 'wait GracePeriod 1.001s', 'the policy sets a minute'],
    ['R10 for a moment, with a short grace period', { ...is([runningFor(seconds(5))]), ...grace('1s') }, 'wait GracePeriod 5.001s', 'a crash loop has ended by then, and is evicted'],
    ['R10 for ten seconds, with a short grace period', { ...is([runningFor(seconds(11))]), ...grace('1s') }, 'report ReadyOnWrongArchitecture', 'a crash loop of a refused program never runs that long'],
    ['R10 its init container has been running for 26 s, and was bound 31 s ago', { pod: pod({ phase: 'Pending', scheduled: { value: true, sinceMs: NOW - seconds(31) }, containers: [container({ waiting: { reason: 'PodInitializing', message: '' } }), runningFor(seconds(26), { name: 'migrate' })] }), images }, 'wait GracePeriod 4.001s', 'an emulated migration is not interrupted'],
    ['R10 its init container has been running for 31 s', is([container({ waiting: { reason: 'PodInitializing', message: '' } }), runningFor(seconds(31), { name: 'migrate' })], { phase: 'Pending' }), 'report ReadyOnWrongArchitecture', 'its own image does not support the node, and it runs'],
    ['R10 an init container whose image supports the node has been running for an hour', is([refusedAtPull, sidecar({ name: 'migrate', ready: false })], { phase: 'Pending' }), 'evict', 'it runs in any case'],
    ['R10 its program has just been started, and the policy includes Ready pods', { ...is([runningFor(seconds(5))]), policy: { includeReady: true } }, 'evict', 'the policy wants misplaced pods evicted although they run'],
    ['R10 it runs, with an unknown start', is([container({ running: true })]), 'evict', 'it may have just started'],
    ['R10 an application that crashes beside a sidecar that runs', is([crashing, sidecar()]), 'evict', 'an image that supports the node runs in any case'],
    ['R10 an application that waits beside a sidecar that runs', is([container({ waiting: { reason: 'ImagePullBackOff', message: '' } }), sidecar()]), 'evict', 'the same'],
    ['R10 an unsupported sidecar runs beside an application that crashes', is([crashing, runningFor(HOUR, { name: 'agent' })]), 'report ReadyOnWrongArchitecture', 'its image declares its platforms wrongly, or is emulated'],
    ['R10 an unsupported init container has succeeded', is([container({ name: 'setup', terminated: ended(0, '', 0) })]), 'report ReadyOnWrongArchitecture', 'a refused program never ends with 0'],
    ['R10 its last run took an hour', is([container({ restartCount: 1, lastTerminated: ended(3_600) })]), 'report ReadyOnWrongArchitecture', 'it has run, and failed for another reason'],
    ['R10 its first run took an hour and has just ended', is([container({ terminated: ended(3_600) })]), 'report ReadyOnWrongArchitecture', 'the same'],
    ['R10 its last run took a second', is([container({ restartCount: 1, lastTerminated: ended(1) })]), 'evict', 'as refused programs do'],
    ['R10 it never started', is([container({ terminated: { reason: 'StartError', exitCode: 128, message: '' } })]), 'evict', 'it has not run'],
  ]);
});

describe('R10 what conditions show after a restart of the operator', () => {
  // prettier-ignore
  table([
    ['R10 Ready turned False, and no container has ended', is([container({ waiting: { reason: 'ContainerCreating', message: '' } })], turnedFalse), 'report ReadyOnWrongArchitecture', 'it was Ready, and not by a crash loop'],
    ['R10 the same, and a sidecar whose image supports the node has restarted', is([runningFor(seconds(20)), sidecar({ restartCount: 1, lastTerminated: ended(7) })], turnedFalse), 'report ReadyOnWrongArchitecture', 'the unsupported container has not ended'],
    ['R10 Ready turned False, and its program has restarted', is([crashing], turnedFalse), 'evict', 'a crash loop is Ready for a moment at each restart'],
    ['R10 Ready turned False, and its program has restarted three times in an hour', is([container({ restartCount: 3, waiting: { reason: 'CrashLoopBackOff', message: '' }, lastTerminated: ended(0) })], turnedFalse), 'report ReadyOnWrongArchitecture', 'a crash loop of an hour has restarted more often: in between it was running'],
    ['R10 Ready has been False all the time, and its program has restarted three times', is([container({ restartCount: 3, lastTerminated: ended(0) })]), 'evict', 'it may have waited for its images'],
    ['R10 Ready turned False, and both of its runs were short', is([container({ restartCount: 1, terminated: ended(0), lastTerminated: ended(1) })], turnedFalse), 'evict', 'both runs are known'],
    ['R10 Ready turned False, and its program has ended for the first time', is([container({ terminated: ended(0) })], turnedFalse), 'evict', 'a moment of readiness does not count'],
    ['R10 Ready has been False all the time', is([container()]), 'evict', 'it has never run'],
    ['R10 only a volume is unsupported, and Ready turned False', is([sidecar({ restartCount: 3, lastTerminated: ended(0) })], turnedFalse), 'report ReadyOnWrongArchitecture', 'the volume was mounted'],
  ]);
});
