import { describe, expect, test } from '@jest/globals';
import type { Inspection } from '../inspection/inspection.ts';
import type { NodeFacts, PodFacts } from '../kubernetes/facts.ts';
import { decideEviction, needsRelaxation } from './decide.ts';
import type { EvictionDecision, LastAttempt } from './decision.ts';
import { container, CREATED_AT, IMAGE, neutral, node, ON_WINDOWS, pod, resolved, without } from './fixtures/objects.ts';
import { UNSCHEDULABLE_AFTER_MS } from './unschedulable.ts';
import type { Unschedulable } from './unschedulable.ts';
import { buildInput, NOW, seconds, summarize } from './fixtures/eviction-case.ts';
import type { EvictionCase } from './fixtures/eviction-case.ts';

type Row = readonly [string, EvictionCase, string];

function table(rows: readonly Row[]): void {
  test.each(rows)('%s', (_, row, expected) => {
    expect(summarize(decideEviction(buildInput(row)), row.now ?? NOW)).toBe(expected);
  });
}

const PROXY = 'registry.test/proxy:v1';
const sidecar = pod({ images: [IMAGE, PROXY] });
/** Mounts its second image as a volume. */
const mounting = pod({ images: [IMAGE, PROXY], volumeImages: [PROXY] });
/** Inspections of the two images of `sidecar`. */
const two = (web: Inspection, proxy?: Inspection): ReadonlyMap<string, Inspection> =>
  new Map([[IMAGE, web], ...(proxy === undefined ? [] : [[PROXY, proxy] as const])]);
const arm = resolved('linux/arm64');
const amd = resolved('linux/amd64');
const both = resolved('linux/amd64', 'linux/arm64');
const refusedAtPull = container({ waiting: { reason: 'ErrImagePull', message: 'no match for platform in manifest' } });
const refusedEnd = { reason: 'Error', exitCode: 1, message: 'exec /app: exec format error', seconds: 0 };
const refusedAtExec = container({ terminated: refusedEnd });
const working = container({ name: 'main', running: true, ready: true });
const crashing = container({
  name: 'proxy',
  lastTerminated: { reason: 'Error', exitCode: 1, message: '', seconds: 0 },
});
/** A crash loop while its container runs for a moment. */
const flapping = container({ ...crashing, running: true, ready: true });
const silent = container({});
const readySince = (ageMs: number, containers = [working]): PodFacts =>
  pod({ ready: { value: true, sinceMs: NOW - ageMs }, containers });
const unresolved = (reason: 'NotFound' | 'RateLimited' | 'Deadline', retryAtMs?: number): Inspection => ({
  kind: 'unresolved',
  reason,
  ...(retryAtMs !== undefined && { retryAtMs }),
});

describe('R1 pods in scope', () => {
  // prettier-ignore
  table([
    ['R1 a crashing pod on a node that cannot run it is evicted', {}, 'evict'],
    ['R1 without a governing policy', { policy: 'none' }, 'leave NoPolicy'],
    ['R1 skip label', { skipped: true }, 'leave Skipped'],
    ['R1 succeeded', { pod: pod({ phase: 'Succeeded' }) }, 'leave Finished'],
    ['R1 failed: rejected by the kubelet, or restartPolicy Never', { pod: pod({ phase: 'Failed' }) }, 'leave Finished'],
    ['R1 terminating', { pod: pod({ deleting: true }) }, 'leave Terminating'],
    ['R1 in a terminating namespace', { namespaceDeleting: true }, 'leave Terminating'],
    ['R1 evicted a moment ago', { evictedBefore: true }, 'leave AlreadyEvicted'],
    ['R1 phase unknown', { pod: pod({ phase: 'Unknown' }) }, 'evict'],
    ['R1 bound to a node that is not in the store', { node: null }, 'leave NodeUnknown'],
    ['R1 the node reports no architecture', { node: node({ architecture: '' }) }, 'leave NodeUnknown'],
    ['R1 the node reports no OS', { node: node({ os: '' }) }, 'leave NodeUnknown'],
    ['R1 the node reports an unknown architecture', { node: node({ architecture: 'z80' }) }, 'leave NodeUnknown'],
  ]);

  test('R1 not bound', () => {
    const unbound = without('nodeName');
    expect(decideEviction(buildInput({ pod: unbound, node: null }))).toEqual({ kind: 'leave', reason: 'NotBound' });
  });
});

describe('R1 the images decide whether a pod is misplaced', () => {
  // prettier-ignore
  table([
    ['R1 the image runs on the node', { images: amd }, 'leave Fits'],
    ['R1 the image runs on both', { images: both }, 'leave Fits'],
    ['R1 a 386 image on amd64', { images: resolved('linux/386') }, 'leave Fits'],
    ['R1 a 32-bit arm image on arm64', { node: node({ architecture: 'arm64' }), images: resolved('linux/arm/v7') }, 'leave Fits'],
    ['R1 an amd64 image on arm64', { node: node({ architecture: 'arm64' }), images: amd }, 'evict'],
    ['R1 an artifact without platforms', { images: neutral() }, 'leave Fits'],
    ['R1 a wasm image', { images: resolved('linux/wasm') }, 'leave Fits'],
    ['R1 another OS only', { images: resolved('windows/amd64') }, 'report NoCommonArchitecture'],
    ['R1 a pod on a Windows node is for Windows if its images support nothing else', { node: node({ os: 'windows' }), images: resolved('windows/arm64') }, 'evict'],
    ['R1 a pod that requires Windows by a term', { node: node({ os: 'windows' }), pod: pod({ requiredAffinity: ON_WINDOWS }), images: resolved('linux/amd64', 'windows/arm64') }, 'evict'],
    ['R1 one of two images cannot run here', { pod: sidecar, images: two(arm, both) }, 'evict'],
    ['R1 an image that is only mounted never makes a pod misplaced', { pod: mounting, images: two(amd, arm) }, 'leave Fits'],
    ['R1 the same for an image that is not resolved', { pod: mounting, images: two(amd) }, 'leave Fits'],
    ['R1 one cannot run here, the other is not resolved', { pod: sidecar, images: two(arm) }, 'evict'],
    ['R1 one runs here, the other is not resolved', { pod: sidecar, images: two(amd) }, 'wait ImagesUnknown'],
    ['R1 the images have no architecture in common', { pod: sidecar, images: two(arm, amd) }, 'report NoCommonArchitecture'],
    ['R4 the policy allows none of what they support, and yields', { allowed: ['amd64'] }, 'evict'],
    ['R4 the policy allows none of what they support, and denies such pods', { allowed: ['amd64'], denies: true }, 'report NoCommonArchitecture'],
    ['R1 the policy allows what they support', { allowed: ['amd64', 'arm64'] }, 'evict'],
    ['R1 unknown: waiting helps, with a retry time', { images: unresolved('RateLimited', NOW + seconds(42)) }, 'wait ImagesUnknown 42s'],
    ['R1 unknown: waiting helps', { images: unresolved('Deadline') }, 'wait ImagesUnknown'],
    ['R1 unknown: waiting does not help', { images: unresolved('NotFound') }, 'report ImagesUnknown'],
    ['R1 a suspicious exit alone never evicts', { images: amd, pod: pod({ containers: [crashing] }) }, 'leave Fits'],
    ['R1 an exec format error although its image claims the platform', { images: amd, pod: pod({ containers: [refusedAtExec] }) }, 'report BrokenImage'],
    ['R1 it was refused once, and has been running since', { images: amd, pod: pod({ containers: [container({ running: true, runningSinceMs: NOW - seconds(10), restartCount: 1, lastTerminated: refusedEnd })] }) }, 'leave Fits'],
    ['R1 it was refused once, and has been Ready since', { images: amd, pod: readySince(seconds(10), [container({ running: true, ready: true, restartCount: 1, lastTerminated: refusedEnd })]) }, 'leave Fits'],
    ['R1 it was refused a moment ago, and has just become Ready', { images: amd, pod: readySince(seconds(1), [container({ running: true, ready: true, restartCount: 1, lastTerminated: refusedEnd })]) }, 'report BrokenImage'],
    ['R1 a debug container of another image is refused on a node that fits', { images: amd, pod: pod({ containers: [working, container({ ...refusedAtExec, name: 'debugger', image: 'registry.test/debug:v1' })] }) }, 'leave Fits'],
    ['R1 the runtime refuses a variant that its image offers: no evidence against the image', { images: resolved('linux/amd64/v4'), pod: pod({ containers: [refusedAtPull] }) }, 'report ImagesUnknown'],
    ['R1 an image for 32-bit arm and amd64 may run on arm64', { node: node({ architecture: 'arm64' }), images: resolved('linux/amd64', 'linux/arm/v7') }, 'leave Fits'],
    ['R1 the runtime refuses although its image claims the platform', { images: resolved('linux/amd64'), pod: pod({ containers: [refusedAtPull] }) }, 'report BrokenImage'],
    ['R1 no signal in the status, and not Ready: the images decide', { pod: pod({ containers: [silent] }) }, 'evict'],
    ['R1 refused at pull: Pending', { pod: pod({ phase: 'Pending', containers: [refusedAtPull] }) }, 'evict'],
  ]);
});

describe('R1 grace period', () => {
  const bound = (ageMs: number, changes: Partial<PodFacts> = {}): PodFacts =>
    pod({ scheduled: { value: true, sinceMs: NOW - ageMs }, ...changes });
  // prettier-ignore
  table([
    ['R1 29 s after it was bound', { pod: bound(seconds(29)) }, 'wait GracePeriod 1s'],
    ['R1 30 s after it was bound', { pod: bound(seconds(30)) }, 'evict'],
    ['R1 a period that the policy sets', { pod: bound(seconds(30)), policy: { gracePeriodAfterScheduling: '1m30s' } }, 'wait GracePeriod 60s'],
    ['R1 the period starts with the binding, not the creation', { pod: bound(seconds(10), { createdAtMs: 0 }) }, 'wait GracePeriod 20s'],
    ['R1 bound by its creator: without the condition it starts with the creation', { pod: pod({ scheduled: { value: false, sinceMs: 0 }, createdAtMs: NOW - seconds(5) }) }, 'wait GracePeriod 25s'],
    ['R1 ten times the period while a container works', { pod: bound(seconds(60), { containers: [working, crashing] }) }, 'wait GracePeriod 240s'],
    ['R1 ten times the period are over', { pod: bound(seconds(300), { containers: [working, crashing] }) }, 'evict'],
    ['R1 a container that runs and is not ready does not count as working', { pod: bound(seconds(60), { containers: [container({ running: true }), crashing] }) }, 'evict'],
    ['R1 Pending, with a main container that works', { pod: bound(seconds(60), { phase: 'Pending', containers: [working, crashing] }) }, 'wait GracePeriod 240s'],
    ['R1 a pod that was bound in the future waits', { pod: bound(seconds(-60)) }, 'wait GracePeriod 90s'],
  ]);
});

describe('R1 Ready', () => {
  const old = { value: true, sinceMs: NOW - seconds(3_600) };
  const readyOld = (ageMs: number, containers = [working]): PodFacts => ({
    ...readySince(ageMs, containers),
    scheduled: old,
  });
  // prettier-ignore
  table([
    ['R1 Ready for ten seconds: it runs, although its image does not declare the platform', { pod: readyOld(seconds(10)) }, 'report ReadyOnWrongArchitecture'],
    ['R1 Ready for an hour', { pod: readyOld(seconds(3_600)) }, 'report ReadyOnWrongArchitecture'],
    ['R1 Ready for nine seconds in a crash loop: evicted once it is not Ready', { pod: readyOld(seconds(9), [flapping]) }, 'wait ReadyTooShort 1s'],
    ['R1 Ready for nine seconds without a signal: decided a second later', { pod: readyOld(seconds(9)) }, 'wait ReadyTooShort 1s'],
    ['R1 Ready, and the policy includes such pods', { pod: readyOld(seconds(60)), policy: { includeReady: true } }, 'evict'],
    ['R1 included, but within ten times the grace period', { pod: readySince(seconds(50)), policy: { includeReady: true } }, 'wait GracePeriod 240s'],
    ['R1 Ready and terminating', { pod: { ...readyOld(seconds(60)), deleting: true }, policy: { includeReady: true } }, 'leave Terminating'],
  ]);
});

describe('R1 opt-out, mode and action', () => {
  const optedOut = (value: string): PodFacts => pod({ annotations: { 'archpolicy.dev/allow-eviction': value } });
  // prettier-ignore
  table([
    ['R1 opted out', { pod: optedOut('false') }, 'report OptedOut'],
    ['R1 opted in, which changes nothing', { pod: optedOut('true') }, 'evict'],
    ['R1 opted out beats includeReady', { pod: optedOut('false'), policy: { includeReady: true } }, 'report OptedOut'],
    ['R1 Audit', { mode: 'Audit' }, 'report AuditMode'],
    ['R1 Report', { policy: { action: 'Report' } }, 'report ReportOnly'],
    ['R1 Audit and Report', { mode: 'Audit', policy: { action: 'Report' } }, 'report AuditMode'],
    ['R1 Audit reports what Enforce would do, although the webhook is down', { mode: 'Audit', webhook: 'unreachable' }, 'report AuditMode'],
    ['R1 Audit reports why Enforce would not evict', { mode: 'Audit', pod: readySince(seconds(60)) }, 'report ReadyOnWrongArchitecture'],
    ['R1 Audit waits for the grace period, too', { mode: 'Audit', now: CREATED_AT + seconds(10) }, 'wait GracePeriod 20s'],
    ['R1 a bare pod in Audit', { mode: 'Audit', notReplaced: 'BarePod' }, 'report BarePod'],
    ['R1 Audit ignores a pod that fits', { mode: 'Audit', images: amd }, 'leave Fits'],
  ]);
});

describe('R2 the owner', () => {
  // prettier-ignore
  table([
    ['R2 a bare pod', { notReplaced: 'BarePod' }, 'report BarePod'],
    ['R2 a static pod', { notReplaced: 'StaticPod' }, 'report StaticPod'],
    ['R2 a DaemonSet', { notReplaced: 'DaemonSetPod' }, 'report DaemonSetPod'],
    ['R2 an owner of an unknown kind', { notReplaced: 'UnknownOwner' }, 'report UnknownOwner'],
    ['R2 a Job that would fail', { notReplaced: 'JobWouldFail' }, 'report JobWouldFail'],
    ['R2 a Job that could not be read', { notReplaced: 'JobUnknown' }, 'report JobUnknown'],
    ['R2 a bare pod that is Ready is reported for the lasting reason', { notReplaced: 'BarePod', pod: without('owner', { ready: { value: true, sinceMs: 0 } }) }, 'report BarePod'],
    ['R2 includeReady does not include a bare pod', { notReplaced: 'BarePod', policy: { includeReady: true } }, 'report BarePod'],
    ['R2 a DaemonSet pod within its grace period', { notReplaced: 'DaemonSetPod', now: CREATED_AT }, 'report DaemonSetPod'],
    ['R2 a bare pod that fits is ignored', { notReplaced: 'BarePod', images: amd }, 'leave Fits'],
  ]);
});

describe('R3 the webhook', () => {
  // prettier-ignore
  table([
    ['R3 is not reachable', { webhook: 'unreachable' }, 'wait WebhookUnreachable'],
    ['R3 would not be called', { webhook: 'not-called' }, 'report WebhookNotCalled'],
    ['R3 is not installed', { webhook: 'not-installed' }, 'report WebhookNotInstalled'],
    ['R3 it is not known whether it would be called', { webhook: 'unknown' }, 'report WebhookCallUnknown'],
    ['R3 would not be called, in Audit: Enforce would not evict either', { webhook: 'not-called', mode: 'Audit' }, 'report WebhookNotCalled'],
    ['R3 would not be called, and there is no node anyway', { webhook: 'not-called', forecast: 'no-node' }, 'report NoNodeForReplacement'],
    ['R3 unreachable within the grace period', { webhook: 'unreachable', now: CREATED_AT + seconds(10) }, 'wait GracePeriod 20s'],
  ]);
});

describe('R4 the replacement', () => {
  // prettier-ignore
  table([
    ['R4 no node for it', { forecast: 'no-node' }, 'report NoNodeForReplacement'],
    ['R4 no node for it, but an autoscaler adds one for the Pending pod', { forecast: 'from-zero' }, 'evict'],
    ['R4 the same, in Audit: Enforce would evict', { forecast: 'from-zero', mode: 'Audit' }, 'report AuditMode'],
    ['R4 nothing would exclude this node: its owner has chosen the architecture', { forecast: 'same-node' }, 'report WouldLandWrong'],
    ['R4 the same, in Audit: Enforce would not evict either', { forecast: 'same-node', mode: 'Audit' }, 'report WouldLandWrong'],
    ['R4 the same, within the grace period', { forecast: 'same-node', now: CREATED_AT }, 'report WouldLandWrong'],
    ['R4 no node for it, in Audit', { forecast: 'no-node', mode: 'Audit' }, 'report NoNodeForReplacement'],
    ['R4 a pod that fits is not replaced', { forecast: 'same-node', images: amd }, 'leave Fits'],
    ['R4 no node for it, and the webhook is down', { forecast: 'no-node', webhook: 'unreachable' }, 'report NoNodeForReplacement'],
  ]);
});

describe('R5 the node’s label and report agree', () => {
  const labelled = (labels: Record<string, string>): NodeFacts => node({ labels });
  // prettier-ignore
  table([
    ['R5 the label names another architecture', { node: labelled({ 'kubernetes.io/arch': 'arm64', 'kubernetes.io/os': 'linux' }) }, 'report NodeContradictory'],
    ['R5 the label is missing', { node: labelled({ 'kubernetes.io/os': 'linux' }) }, 'report NodeContradictory'],
    ['R5 the label names another OS', { node: labelled({ 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'windows' }) }, 'report NodeContradictory'],
    ['R5 the pod fits the platform that the node reports', { node: labelled({}), images: amd }, 'leave Fits'],
  ]);
});

describe('R6 limits', () => {
  const limited = (reason: 'OwnerLimit' | 'PolicyLimit', untilMs: number): EvictionCase => ({
    limit: { kind: 'limited', reason, untilMs },
  });
  // prettier-ignore
  table([
    ['R6 the owner has no slot left', limited('OwnerLimit', NOW + seconds(600)), 'wait OwnerLimit 600s'],
    ['R6 the policy’s rate is used up', limited('PolicyLimit', NOW + seconds(7)), 'wait PolicyLimit 7s'],
    ['R6 the webhook is checked before the limits', { ...limited('PolicyLimit', NOW), webhook: 'unreachable' }, 'wait WebhookUnreachable'],
    ['R6 Audit ignores the limits', { ...limited('OwnerLimit', NOW + 1), mode: 'Audit' }, 'report AuditMode'],
  ]);
});

describe('R9 an unschedulable pod with additions of ArchPolicy', () => {
  const unbound = (changes: Partial<PodFacts> = {}): PodFacts =>
    without('nodeName', { phase: 'Pending', containers: [], ...changes });
  const unschedulable = (changes: Partial<Unschedulable> = {}, ageMs = seconds(120)): EvictionCase => ({
    pod: unbound(),
    node: null,
    unschedulable: { forMs: ageMs, afterMs: UNSCHEDULABLE_AFTER_MS, relaxingHelps: true, relaxed: true, ...changes },
  });
  // prettier-ignore
  table([
    ['R9 for less than two minutes', unschedulable({}, seconds(119)), 'wait UnschedulableTooShort 1s'],
    ['R9 for nine of the ten minutes that it may take', unschedulable({ afterMs: seconds(600) }, seconds(540)), 'wait UnschedulableTooShort 60s'],
    ['R9 for two minutes, its workload is relaxed', unschedulable(), 'evict'],
    ['R9 its workload is not relaxed yet', unschedulable({ relaxed: false }), 'wait Relaxing'],
    ['R9 no node would take it without the preference either', unschedulable({ relaxingHelps: false }), 'report Unschedulable'],
    ['R9 without additions of ArchPolicy it is ignored', { pod: unbound(), node: null }, 'leave NotBound'],
    ['R9 no controller replaces it', { ...unschedulable({ relaxed: false }), notReplaced: 'BarePod' }, 'report BarePod'],
    ['R9 its Job would fail', { ...unschedulable(), notReplaced: 'JobWouldFail' }, 'report JobWouldFail'],
    ['R9 opted out', { ...unschedulable(), pod: unbound({ annotations: { 'archpolicy.dev/allow-eviction': 'false' } }) }, 'report OptedOut'],
    ['R9 in Audit', { ...unschedulable({ relaxed: false }), mode: 'Audit' }, 'report AuditMode'],
    ['R9 reporting', { ...unschedulable({ relaxed: false }), policy: { action: 'Report' } }, 'report ReportOnly'],
    ['R9 the webhook would not be called', { ...unschedulable(), webhook: 'not-called' }, 'report WebhookNotCalled'],
    ['R9 the webhook is not reachable', { ...unschedulable(), webhook: 'unreachable' }, 'wait WebhookUnreachable'],
    ['R9 its owner has no slot left', { ...unschedulable(), limit: { kind: 'limited', reason: 'OwnerLimit', untilMs: NOW + 1_000 } }, 'wait OwnerLimit 1s'],
    ['R9 after an attempt that was not accepted', { ...unschedulable(), lastAttempt: { reason: 'ApiBusy', untilMs: NOW + 1_000 } }, 'wait ApiBusy 1s'],
    ['R9 evicted a moment ago', { ...unschedulable(), evictedBefore: true }, 'leave AlreadyEvicted'],
    ['R9 being deleted', { ...unschedulable(), pod: unbound({ deleting: true }) }, 'leave Terminating'],
  ]);
});

describe('R9 whether the preference is skipped for the workload of a pod that finds no node', () => {
  const unbound = (changes: Partial<PodFacts> = {}): PodFacts =>
    without('nodeName', { phase: 'Pending', containers: [], ...changes });
  const unschedulable = (changes: Partial<Unschedulable> = {}, ageMs = seconds(120)): EvictionCase => ({
    pod: unbound(),
    node: null,
    unschedulable: { forMs: ageMs, afterMs: UNSCHEDULABLE_AFTER_MS, relaxingHelps: true, relaxed: true, ...changes },
  });
  const asked = unschedulable({ relaxed: false });
  // prettier-ignore
  test.each<[string, EvictionCase, boolean, string]>([
    ['R9 a node would take it without the preference', asked, true, 'it must run'],
    ['R9 no controller replaces it', { ...asked, notReplaced: 'BarePod' }, true, 'the next one of its name finds a node once this one is deleted'],
    ['R9 its owner is of an unknown kind', { ...asked, notReplaced: 'UnknownOwner' }, true, 'its owner may replace it once it is deleted'],
    ['R9 its Job would fail', { ...asked, notReplaced: 'JobWouldFail' }, true, 'the next run of its CronJob finds a node'],
    ['R9 opted out', { ...asked, pod: unbound({ annotations: { 'archpolicy.dev/allow-eviction': 'false' } }) }, true, 'its owner did not ask for the preference'],
    ['R9 reporting', { ...asked, policy: { action: 'Report' } }, true, 'the webhook constrains new pods under Report as well'],
    ['R9 the webhook is not reachable', { ...asked, webhook: 'unreachable' }, true, 'it reads the status once it is reachable again'],
    ['R9 its owner has no slot left', { ...asked, limit: { kind: 'limited', reason: 'OwnerLimit', untilMs: NOW + 1_000 } }, true, 'relaxing needs no slot'],
    ['R9 for less than two minutes', unschedulable({ relaxed: false }, seconds(119)), false, 'a node may come'],
    ['R9 for nine of the ten minutes that it may take', unschedulable({ relaxed: false, afterMs: seconds(600) }, seconds(540)), false, 'its node may be starting'],
    ['R9 no node would take it without the preference either', unschedulable({ relaxed: false, relaxingHelps: false }), false, 'the preference does not prevent scheduling'],
    ['R9 it is skipped already', unschedulable(), false, 'the status lists it'],
    ['R9 in Audit', { ...asked, mode: 'Audit' }, false, 'Audit does not constrain pods'],
    ['R9 skipped by its owner', { ...asked, skipped: true }, false, 'skipped pods are ignored'],
    ['R9 being deleted', { ...asked, pod: unbound({ deleting: true }) }, false, 'its replacement is evaluated on its own'],
  ])('%s', (_, row, expected) => {
    expect(needsRelaxation(buildInput(row))).toBe(expected);
  });
});

describe('R7 the brake', () => {
  const braked = (reason: 'EvictionsStopped' | 'OwnerStopped'): EvictionCase => ({
    limit: { kind: 'limited', reason, untilMs: NOW + seconds(600) },
  });
  // prettier-ignore
  table([
    ['R7 all evictions are stopped', braked('EvictionsStopped'), 'wait EvictionsStopped 600s'],
    ['R7 those of its owner are stopped', braked('OwnerStopped'), 'wait OwnerStopped 600s'],
    ['R7 Audit ignores the brake', { ...braked('EvictionsStopped'), mode: 'Audit' }, 'report AuditMode'],
    ['R7 a pod that would stay anyway is reported with its reason', { ...braked('EvictionsStopped'), notReplaced: 'BarePod' }, 'report BarePod'],
  ]);
});

describe('R8 after an attempt that was not accepted', () => {
  const tried = (reason: LastAttempt['reason'], untilMs = NOW + seconds(9)): EvictionCase => ({
    lastAttempt: { reason, untilMs },
  });
  // prettier-ignore
  table([
    ['R8 the API server is busy', tried('ApiBusy'), 'wait ApiBusy 9s'],
    ['R8 the pod was replaced or had changed', tried('Conflict'), 'wait Conflict 9s'],
    ['R8 the operator is not allowed to', tried('Forbidden'), 'wait Forbidden 9s'],
    ['R8 no response', tried('NoAnswer'), 'wait NoAnswer 9s'],
    ['R8 the API server rejects the request: final', tried('Refused'), 'report Refused'],
    ['R8 the retry time has passed', tried('ApiBusy', NOW), 'evict'],
    ['R8 the limits are checked last', { ...tried('ApiBusy'), limit: { kind: 'limited', reason: 'OwnerLimit', untilMs: NOW + 1 } }, 'wait ApiBusy 9s'],
    ['R8 a pod that became Ready meanwhile is not evicted', { ...tried('ApiBusy'), pod: readySince(seconds(60)) }, 'report ReadyOnWrongArchitecture'],
  ]);
});

describe('R8 preconditions', () => {
  const evicted = (row: EvictionCase): Extract<EvictionDecision, { kind: 'evict' }> => {
    const decision = decideEviction(buildInput(row));
    if (decision.kind !== 'evict') throw new Error(summarize(decision, NOW));
    return decision;
  };

  test('R8 a pod that is not Ready: UID and version', () => {
    expect(evicted({}).preconditions).toEqual({ uid: 'uid-1', resourceVersion: '77' });
  });

  test('R8 a pod that is Ready at this moment: the UID alone', () => {
    const ready = pod({
      scheduled: { value: true, sinceMs: 0 },
      ready: { value: true, sinceMs: NOW - 1 },
      containers: [flapping],
    });
    expect(evicted({ pod: ready, policy: { includeReady: true } }).preconditions).toEqual({ uid: 'uid-1' });
  });

  test('the decision names the supported architectures and the signal', () => {
    expect(evicted({})).toMatchObject({ reason: 'Misplaced', architectures: ['arm64'], signal: 'ShortLived' });
  });
});
