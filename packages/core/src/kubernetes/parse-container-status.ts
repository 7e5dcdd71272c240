import type { ContainerEvidence, TerminatedEvidence } from './facts.ts';
import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt, textAt } from '../json/read.ts';
import { parseTimestampMs } from './timestamp.ts';

/**
 * Length of the two parts that are kept of a long message: its start and its end. A message may contain the output of a container, and
 * the cause is at its start or end.
 */
const MESSAGE_HALF_CHARS = 512;

/**
 * The lists of container statuses of a pod, each with the list in the spec that names the images of these containers.
 */
const LISTS = [
  ['containerStatuses', 'containers'],
  ['initContainerStatuses', 'initContainers'],
] as const;

/**
 * Parses the statuses of containers and init containers, including sidecars. Ignores ephemeral containers, because they do not run the
 * pod's images.
 *
 * @param isReady whether the pod is Ready. If so, the result omits the times of its containers
 * @see https://github.com/kubernetes/api/blob/v0.36.3/core/v1/types.go (`ContainerStatus`)
 * @example {"name":"app","ready":false,"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 40s …"}},
 *   "lastState":{"terminated":{"exitCode":255,"reason":"Error","message":"exec /app: exec format error",
 *   "startedAt":"2026-01-02T03:04:05Z","finishedAt":"2026-01-02T03:04:05Z"}}}
 */
export function parseContainerStatuses(pod: JsonObject, isReady: boolean): readonly ContainerEvidence[] {
  const spec = objectAt(pod, 'spec');
  const status = objectAt(pod, 'status');
  return LISTS.flatMap(([statuses, containers]) => {
    const images = imagesByName(spec, containers);
    return arrayAt(status, statuses)
      .filter(isJsonObject)
      .map((raw) => parseStatus(raw, images, isReady))
      .filter((evidence) => evidence !== undefined);
  });
}

/** Reads the images from the spec. A status may name another repository, because nodes identify an image by its content. */
function imagesByName(spec: JsonObject, list: string): ReadonlyMap<string, string> {
  const images = new Map<string, string>();
  for (const container of arrayAt(spec, list)) {
    if (!isJsonObject(container)) continue;
    const name = textAt(container, 'name');
    const image = textAt(container, 'image');
    if (name !== undefined && image !== undefined) images.set(name, image);
  }
  return images;
}

function parseStatus(
  raw: JsonObject,
  images: ReadonlyMap<string, string>,
  isReady: boolean,
): ContainerEvidence | undefined {
  const name = textAt(raw, 'name');
  if (name === undefined) return undefined;
  const state = objectAt(raw, 'state');
  const waiting = parseWaiting(state);
  const terminated = parseTerminated(state, isReady);
  const lastTerminated = parseTerminated(objectAt(raw, 'lastState'), isReady);
  const runningSinceMs = isReady ? undefined : parseStart(objectAt(state, 'running'));
  return {
    name,
    image: images.get(name) ?? '',
    ready: raw['ready'] === true,
    running: isJsonObject(state['running']),
    ...(runningSinceMs !== undefined && { runningSinceMs }),
    restartCount: typeof raw['restartCount'] === 'number' ? raw['restartCount'] : 0,
    ...(waiting !== undefined && { waiting }),
    ...(terminated !== undefined && { terminated }),
    ...(lastTerminated !== undefined && { lastTerminated }),
  };
}

function parseWaiting(state: JsonObject): ContainerEvidence['waiting'] {
  const waiting = state['waiting'];
  if (!isJsonObject(waiting)) return undefined;
  return { reason: textAt(waiting, 'reason') ?? '', message: shorten(textAt(waiting, 'message') ?? '') };
}

function parseTerminated(state: JsonObject, isReady: boolean): TerminatedEvidence | undefined {
  const terminated = state['terminated'];
  if (!isJsonObject(terminated)) return undefined;
  const exitCode = terminated['exitCode'];
  if (typeof exitCode !== 'number') return undefined;
  const startedAtMs = parseStart(terminated);
  const finishedAtMs = parseTimestampMs(textAt(terminated, 'finishedAt') ?? '');
  const isTimed = startedAtMs !== undefined && finishedAtMs !== undefined;
  return {
    reason: textAt(terminated, 'reason') ?? '',
    exitCode,
    message: shorten(textAt(terminated, 'message') ?? ''),
    ...(isTimed && { seconds: (finishedAtMs - startedAtMs) / 1000, ...(!isReady && { finishedAtMs }) }),
  };
}

/** Parses `startedAt`; undefined if the container never started: its status then has `1970-01-01T00:00:00Z` (reason `StartError`). */
function parseStart(state: JsonObject): number | undefined {
  const startedAtMs = parseTimestampMs(textAt(state, 'startedAt') ?? '');
  return startedAtMs !== undefined && startedAtMs > 0 ? startedAtMs : undefined;
}

function shorten(message: string): string {
  if (message.length <= 2 * MESSAGE_HALF_CHARS) return message;
  return `${message.slice(0, MESSAGE_HALF_CHARS)}…${message.slice(-MESSAGE_HALF_CHARS)}`;
}
