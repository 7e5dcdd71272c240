import { readPodAnnotations } from './annotations.ts';
import type { PodFacts, ReadyCondition } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { readPodLabels } from './labels.ts';
import { readOwner } from './owner.ts';
import { parseContainerStatuses } from './parse-container-status.ts';
import { mountsClaim, pullSecretNames, readPodSpec } from './pod-spec.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';
import { podRequests } from './requests.ts';
import { parseTimestampMs } from './timestamp.ts';

const PHASES: ReadonlySet<string> = new Set(['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown']);
/** Upper limit of the time between a pod's start time and its first conditions. */
const FIRST_STATUS_MS = 10_000;

/** Parses a pod. Returns undefined if the object lacks a field that every stored object has. */
export function parsePod(raw: JsonObject): PodFacts | undefined {
  const identity = readIdentity(objectAt(raw, 'metadata'));
  if (identity === undefined) return undefined;
  const owner = readOwner(raw);
  const generateName = textAt(objectAt(raw, 'metadata'), 'generateName');
  const pullSecrets = pullSecretNames(objectAt(raw, 'spec'));
  const status = objectAt(raw, 'status');
  const conditions = readConditions(status, identity.createdAtMs);
  const phase = textAt(status, 'phase');
  const requests = podRequests(objectAt(raw, 'spec'));
  return {
    ...identity,
    labels: readPodLabels(raw),
    annotations: readPodAnnotations(raw),
    ...(owner !== undefined && { owner }),
    ...(owner === undefined && generateName !== undefined && { generateName }),
    ...readPodSpec(raw),
    ...(mountsClaim(objectAt(raw, 'spec')) && { mountsClaim: true }),
    ...(pullSecrets.length > 0 && { pullSecrets }),
    ...(Object.keys(requests).length > 0 && { requests }),
    phase: isPhase(phase) ? phase : 'Unknown',
    ...(textAt(status, 'nominatedNodeName') !== undefined && { nominated: true }),
    ...conditions,
    containers: parseContainerStatuses(raw, conditions.ready.value),
  };
}

type Identity = Pick<PodFacts, 'namespace' | 'name' | 'uid' | 'resourceVersion' | 'createdAtMs' | 'deleting'>;

function readIdentity(metadata: JsonObject): Identity | undefined {
  const namespace = textAt(metadata, 'namespace');
  const name = textAt(metadata, 'name');
  const uid = textAt(metadata, 'uid');
  const resourceVersion = textAt(metadata, 'resourceVersion');
  const createdAtMs = parseTimestampMs(textAt(metadata, 'creationTimestamp') ?? '');
  if (namespace === undefined || name === undefined || uid === undefined) return undefined;
  if (resourceVersion === undefined || createdAtMs === undefined) return undefined;
  const deleting = textAt(metadata, 'deletionTimestamp') !== undefined;
  return { namespace, name, uid, resourceVersion, createdAtMs, deleting };
}

/**
 * Matches a scheduler message about a claim that no node can satisfy. The scheduler checks node affinity before volumes. So a message
 * that also names affinity shows that some nodes were excluded without a check of their volumes. The texts are from kube-scheduler
 * (pkg/scheduler/framework/plugins/volumebinding, …/dynamicresources).
 *
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/scheduler/framework/types.go (`FitError.Error`)
 * @example 0/4 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: …
 */
const LACKS_CLAIM =
  /unbound immediate PersistentVolumeClaims|persistentvolumeclaim "[^"]*"|available persistent volumes to bind|bound to non-existent pv|resourceclaim "?[^ ]* not found|cannot allocate all claims/i;
const NAMES_AFFINITY = /affinity/i;
/**
 * Matches object names in a message. The names are removed before the message is searched for the word `affinity`,
 * because tenants could choose a name with this word.
 */
const QUOTED = /"[^"]*"/g;

function lacksClaim(message: string): boolean {
  return LACKS_CLAIM.test(message) && !NAMES_AFFINITY.test(message.replaceAll(QUOTED, ''));
}

type Conditions = Pick<PodFacts, 'ready' | 'scheduled' | 'lacksClaim'>;

/** Reads the conditions. A condition without a time counts from the pod's creation. */
function readConditions(status: JsonObject, createdAtMs: number): Conditions {
  let ready: PodFacts['ready'] = { value: false, sinceMs: createdAtMs };
  let scheduled: PodFacts['scheduled'] = { value: false, sinceMs: createdAtMs };
  let message = '';
  for (const condition of arrayAt(status, 'conditions')) {
    if (!isJsonObject(condition)) continue;
    const value = condition['status'] === 'True';
    const sinceMs = parseTimestampMs(textAt(condition, 'lastTransitionTime') ?? '') ?? createdAtMs;
    const reason = textAt(condition, 'reason');
    if (condition['type'] === 'Ready') ready = readReady(value, sinceMs, status);
    if (condition['type'] !== 'PodScheduled') continue;
    scheduled = { value, sinceMs, ...(reason !== undefined && { reason }) };
    message = value ? '' : (textAt(condition, 'message') ?? '');
  }
  return { ready, scheduled, ...(lacksClaim(message) && { lacksClaim: true }) };
}

/**
 * Reads the condition Ready, and detects whether it was True before. The kubelet writes the first conditions, with Ready=False,
 * together with `status.startTime`. It changes a condition's time only if it changes the condition's status
 * (`updateLastTransitionTime` in pkg/kubelet/status/status_manager.go). So if Ready is False since a later time, it was True before.
 */
function readReady(value: boolean, sinceMs: number, status: JsonObject): ReadyCondition {
  const startedAtMs = parseTimestampMs(textAt(status, 'startTime') ?? '');
  const turnedFalse = !value && startedAtMs !== undefined && sinceMs >= startedAtMs + FIRST_STATUS_MS;
  return { value, sinceMs, ...(turnedFalse && { turnedFalse }) };
}

function isPhase(phase: string | undefined): phase is PodFacts['phase'] {
  return phase !== undefined && PHASES.has(phase);
}
