import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Inspection } from '../inspection/inspection.ts';
import type { ContainerEvidence, TerminatedEvidence } from '../kubernetes/facts.ts';
import { assessPlacement } from './assess.ts';
import type { PlacementAssessment } from './assess.ts';
import { decideEviction } from './decide.ts';
import { readSignals } from './evidence.ts';
import type { Signal } from './evidence.ts';
import { container, IMAGE, node, pod, resolved, without } from './fixtures/objects.ts';
import { buildInput, NOW } from './fixtures/eviction-case.ts';
import { UNSCHEDULABLE_AFTER_MS } from './unschedulable.ts';

/**
 * Every row of the table of signals that was measured on a real amd64 node, which cannot run arm64 images. `image` is the registry's
 * answer for the reference in the pod's spec.
 */
type Row = readonly [
  row: string,
  what: string,
  image: Inspection,
  status: Partial<ContainerEvidence>,
  signal: Signal,
  verdict: PlacementAssessment['kind'],
];

const ARM = resolved('linux/arm64');
const AMD = resolved('linux/amd64');
const NOT_FOUND: Inspection = { kind: 'unresolved', reason: 'NotFound' };

const NO_MATCH =
  'rpc error: code = NotFound desc = failed to pull and unpack image "registry.test/web:v1": no match for platform in manifest: not found';
const NO_MATCH_TRANSFER =
  'rpc error: code = NotFound desc = get image config descriptor: no match for platform in manifest sha256:62c0: not found';

const waiting = (reason: string, message: string): Partial<ContainerEvidence> => ({ waiting: { reason, message } });
const ended = (exitCode: number, changes: Partial<TerminatedEvidence> = {}): Partial<ContainerEvidence> => ({
  terminated: { reason: 'Error', exitCode, message: '', seconds: 0, ...changes },
});
const backOff = (exitCode: number, changes: Partial<TerminatedEvidence> = {}): Partial<ContainerEvidence> => ({
  waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container=main' },
  lastTerminated: { reason: 'Error', exitCode, message: '', seconds: 1, ...changes },
});
const startError = (message: string): Partial<ContainerEvidence> => ({
  waiting: { reason: 'RunContainerError', message },
  // The start is reported as 1970, so there is no useful duration.
  terminated: { reason: 'StartError', exitCode: 128, message },
});

// prettier-ignore
const ROWS: readonly Row[] = [
  ['1', 'index without the platform, local pull', ARM, waiting('ErrImagePull', NO_MATCH), 'PlatformRefused', 'misplaced'],
  ['1', 'index without the platform, transfer service', ARM, waiting('ErrImagePull', NO_MATCH_TRANSFER), 'PlatformRefused', 'misplaced'],
  ['1', 'the same while backing off', ARM, waiting('ImagePullBackOff', `Back-off pulling image "${IMAGE}": ErrImagePull: ${NO_MATCH}`), 'PlatformRefused', 'misplaced'],
  ['1', 'CRI-O, manifest list', ARM, waiting('ErrImagePull', 'no image found in manifest list for architecture "amd64", variant "", OS "linux"'), 'PlatformRefused', 'misplaced'],
  ['1', 'CRI-O, image index', ARM, waiting('ErrImagePull', 'no image found in image index for architecture "amd64", variant "", OS "linux"'), 'PlatformRefused', 'misplaced'],
  ['1b', 'index with windows/amd64 only', resolved('windows/amd64'), waiting('ErrImagePull', NO_MATCH), 'PlatformRefused', 'misplaced'],
  ['1b', 'index with linux/amd64/v4 only: the node does not report its variant', resolved('linux/amd64/v4'), waiting('ErrImagePull', NO_MATCH), 'PlatformRefused', 'unknown'],
  ['1b', 'index with ppc64le only', resolved('linux/ppc64le'), waiting('ErrImagePull', NO_MATCH), 'PlatformRefused', 'misplaced'],
  ['1b', 'empty index', { kind: 'unresolved', reason: 'UnknownPlatform' }, waiting('ErrImagePull', NO_MATCH), 'PlatformRefused', 'unknown'],
  ['2', 'single arm64 manifest, runc 1.1', ARM, backOff(1), 'ShortLived', 'misplaced'],
  ['2', 'single arm64 manifest, runc 1.5', ARM, ended(255), 'ShortLived', 'misplaced'],
  ['3', 'the same with FallbackToLogsOnError', ARM, ended(1, { message: 'exec /app: exec format error\n' }), 'ExecFormatError', 'misplaced'],
  ['3', 'the same while backing off', ARM, backOff(255, { message: 'exec /app: exec format error\n' }), 'ExecFormatError', 'misplaced'],
  ['4', 'config declares amd64, binary is arm64: not visible in the registry', AMD, backOff(1), 'ShortLived', 'fits'],
  ['4', 'the same, with the message', AMD, backOff(1, { message: 'exec /app: exec format error' }), 'ExecFormatError', 'broken-image'],
  ['5', 'index declares amd64, child and binary are arm64', resolved('linux/amd64', 'linux/arm64'), backOff(255), 'ShortLived', 'fits'],
  ['6', 'config without architecture', { kind: 'unresolved', reason: 'UnknownPlatform' }, backOff(1), 'ShortLived', 'unknown'],
  ['7', 'script whose interpreter is arm64', ARM, backOff(1, { message: 'exec /entry.sh: exec format error' }), 'ExecFormatError', 'misplaced'],
  ['8', 'arm64 child pinned by digest', ARM, backOff(1), 'ShortLived', 'misplaced'],
  ['9', 'config declares arm64, binary is amd64: it runs', ARM, { running: true, ready: true }, 'None', 'misplaced'],
  ['10', 'the same in an index: refused', ARM, waiting('ImagePullBackOff', NO_MATCH), 'PlatformRefused', 'misplaced'],
  ['11', 'crun', ARM, ended(1, { message: '{"msg":"exec container process `/app`: Exec format error","level":"error"}' }), 'ExecFormatError', 'misplaced'],
  ['12', 'script without #!', AMD, ended(1, { message: 'exec /entry.sh: exec format error' }), 'ExecFormatError', 'broken-image'],
  ['13', 'empty or truncated program', AMD, backOff(255, { message: 'exec /app: exec format error' }), 'ExecFormatError', 'broken-image'],
  ['14', 'bash wrapper', ARM, ended(126, { message: '/entry.sh: line 3: /app: cannot execute binary file: Exec format error' }), 'ExecFormatError', 'misplaced'],
  ['15', 'dash wrapper, without its message', ARM, ended(126), 'ShortLived', 'misplaced'],
  ['16', 'busybox sh reads the program as a script', ARM, ended(2, { message: '/app: line 1: \u007fELF: not found\n/app: line 3: syntax error: unexpected ")"' }), 'ShortLived', 'misplaced'],
  ['17', 'tini without a shell', ARM, ended(127, { message: '[FATAL tini (7)] exec /app failed: No such file or directory' }), 'ShortLived', 'misplaced'],
  ['18', 'dumb-init without a shell', ARM, ended(2, { message: '[dumb-init] /app: No such file or directory' }), 'ShortLived', 'misplaced'],
  ['19', 'tini with busybox sh', ARM, ended(2), 'ShortLived', 'misplaced'],
  ['20', 'Go os/exec', ARM, ended(3, { message: 'fork/exec /app: exec format error', seconds: 20 }), 'ExecFormatError', 'misplaced'],
  ['21', 'a program that fails at once looks the same', AMD, backOff(1), 'ShortLived', 'fits'],
  ['21', 'a program that fails with a message', AMD, ended(1, { message: 'panic: no configuration' }), 'None', 'fits'],
  ['22', 'no such file', AMD, startError('exec: "/app": stat /app: no such file or directory'), 'None', 'fits'],
  ['23', 'no execute bit', AMD, startError('exec: "/app": permission denied'), 'None', 'fits'],
  ['24', 'CRLF shebang, or loader missing', AMD, ended(1, { message: 'exec /entry.sh: no such file or directory' }), 'None', 'fits'],
  ['25', 'private image, no credentials', { kind: 'unresolved', reason: 'Unauthorized' }, waiting('ErrImagePull', 'failed to resolve image: pull access denied, repository does not exist or may require authorization'), 'None', 'unknown'],
  ['26', 'missing tag', NOT_FOUND, waiting('ErrImagePull', `rpc error: code = NotFound desc = failed to resolve image: ${IMAGE}: not found`), 'None', 'unknown'],
  ['26b', 'the manifest of the platform was deleted', AMD, waiting('ErrImagePull', 'failed to copy: httpReadSeeker: failed open: content at https://registry.test/v2/hello/manifests/sha256:18ac not found: not found'), 'None', 'fits'],
  ['27', 'registry down', { kind: 'unresolved', reason: 'Unavailable' }, waiting('ErrImagePull', 'dial tcp 192.0.2.1:443: connect: connection refused'), 'None', 'unknown'],
  ['28', 'bad name', { kind: 'unresolved', reason: 'InvalidReference' }, waiting('InvalidImageName', "couldn't parse image name"), 'None', 'unknown'],
  ['29', 'imagePullPolicy Never', AMD, waiting('ErrImageNeverPull', 'is not present with pull policy of Never'), 'None', 'fits'],
  ['30', 'pull limit of the kubelet hides the reason', ARM, waiting('ErrImagePull', 'pull QPS exceeded'), 'None', 'misplaced'],
  ['31', 'liveness probe is arm64: an event, not a status', AMD, { running: true, ready: true }, 'None', 'fits'],
  ['32', 'postStart hook is arm64: a waiting message', AMD, waiting('PostStartHookError', "command '/armapp' exited with 1: exec /armapp: exec format error"), 'None', 'fits'],
];

describe('statuses of a real node', () => {
  test.each(ROWS)('row %s: %s', (_row, _what, image, status, signal, verdict) => {
    const containers = [container(status)];
    expect(readSignals(containers).signal).toBe(signal);
    const assessment = assessPlacement({
      nowMs: NOW,
      pod: pod({ images: [IMAGE], containers }),
      node: node(),
      inspections: new Map([[IMAGE, image]]),
      policy: { images: [], whenNoCommonArchitecture: 'Admit' },
    });
    expect(assessment.kind).toBe(verdict);
  });

  // Pods that never start: without a container status there is no signal, and the pod's own status decides.
  test('row 33: no node satisfies the pod: handled only if ArchPolicy constrained it', () => {
    const sinceMs = NOW - UNSCHEDULABLE_AFTER_MS;
    const scheduled = { value: false, sinceMs, reason: 'Unschedulable' };
    const unbound = without('nodeName', { phase: 'Pending', containers: [], scheduled });
    const unschedulable = {
      forMs: UNSCHEDULABLE_AFTER_MS,
      afterMs: UNSCHEDULABLE_AFTER_MS,
      relaxingHelps: false,
      relaxed: false,
    };
    expect(readSignals(unbound.containers)).toEqual({ signal: 'None' });
    expect(decideEviction(buildInput({ pod: unbound, node: null }))).toMatchObject({ reason: 'NotBound' });
    expect(decideEviction(buildInput({ pod: unbound, node: null, unschedulable }))).toMatchObject({
      reason: 'Unschedulable',
    });
  });

  test('row 34: bound against its selector, and rejected by the kubelet: it has failed, and its owner replaces it', () => {
    const rejected = pod({ phase: 'Failed', containers: [] });
    expect(readSignals(rejected.containers)).toEqual({ signal: 'None' });
    expect(decideEviction(buildInput({ pod: rejected }))).toEqual({ kind: 'leave', reason: 'Finished' });
  });

  test('every row of docs/node-evidence.md is here', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/node-evidence.md'), 'utf8');
    const [, table = ''] = /^## 2\. .*?$(.*?)^### 2\.1/msu.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| (\d+b?) \|/gmu)].map(([, row]) => row);
    expect(rows).toHaveLength(36);
    expect([...new Set(ROWS.map(([row]) => row)), '33', '34']).toEqual(rows);
  });
});

describe('signals of several containers', () => {
  test('the strongest counts, and names its container', () => {
    const containers = [
      container({ name: 'main', running: true, ready: true }),
      container({ name: 'proxy', ...ended(1) }),
      container({ name: 'setup', ...waiting('ErrImagePull', NO_MATCH) }),
    ];
    expect(readSignals(containers)).toEqual({ signal: 'PlatformRefused', container: 'setup' });
  });

  test('an end before the back-off counts while the container runs again for a moment', () => {
    const { lastTerminated } = backOff(1);
    expect(
      readSignals([container({ running: true, ready: true, ...(lastTerminated && { lastTerminated }) })]).signal,
    ).toBe('ShortLived');
  });

  test.each<[string, Partial<TerminatedEvidence>]>([
    ['it lived for two seconds', { seconds: 2 }],
    ['its duration is not known', { exitCode: 1 }],
    ['it was killed', { exitCode: 137, seconds: 0 }],
    ['it succeeded', { exitCode: 0, reason: 'Completed', seconds: 0 }],
    ['it succeeded and printed the message', { exitCode: 0, reason: 'Completed', message: 'exec format error' }],
    ['it ended for another reason', { reason: 'OOMKilled', seconds: 0 }],
  ])('no signal: %s', (_, changes) => {
    const terminated: TerminatedEvidence = { reason: 'Error', exitCode: 1, message: '', ...changes };
    expect(readSignals([container({ terminated })]).signal).toBe('None');
  });
});
