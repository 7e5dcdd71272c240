import { isJsonObject, objectAt } from '@archpolicy/core';
import { bodyOrThrow, KubeError } from '@archpolicy/kube';
import { LifecycleError } from '../errors.ts';
import { removeGates } from '../gates/remove-gates.ts';
import { deleteObject, waitUntilGone } from '../objects/delete-object.ts';
import { describeObject } from '../objects/manifests.ts';
import { ResourcePaths } from '../objects/resources.ts';
import type { CommandParts } from '../ports.ts';
import { CONFIGURATION, CONFIGURATION_PATH } from '../configuration.ts';
import type { RemovalObject, RemovalPhase } from './removal-plan.ts';

const CONFIGURATION_MS = 30_000;
const TIMEOUT_MS = 10_000;

/** An object that is deleted now. */
interface Deletion {
  readonly path: string;
  readonly title: string;
}

/**
 * P9: removes the webhook configuration, then the gates, then the phases in order. A second call continues an
 * interrupted one.
 *
 * @throws LifecycleError `NotRemoved`, or KubeError, if something cannot be removed
 */
export async function remove(parts: CommandParts, phases: readonly RemovalPhase[], signal: AbortSignal): Promise<void> {
  const title = `MutatingWebhookConfiguration ${CONFIGURATION}`;
  const isDeleted = await deleteObject(parts, CONFIGURATION_PATH, 'Background', signal);
  await waitUntilGone(parts, { path: CONFIGURATION_PATH, title, withinMs: CONFIGURATION_MS }, signal);
  parts.report(`${title}: ${isDeleted ? 'deleted' : 'not there'}`);
  await removeGates(parts, signal);
  const paths = new ResourcePaths(parts.api);
  const problems: string[] = [];
  for (const phase of phases) problems.push(...(await removePhase(parts, paths, phase, signal)));
  if (problems.length > 0) throw new LifecycleError('NotRemoved', problems.join('; '));
}

/** Returns what could not be removed. The other objects are removed in any case. */
async function removePhase(
  parts: CommandParts,
  paths: ResourcePaths,
  { objects, isForeground, withinMs }: RemovalPhase,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const collect = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof LifecycleError || error instanceof KubeError)) throw error;
      problems.push(error.message);
    }
  };
  const deletions: Deletion[] = [];
  for (const object of objects) {
    await collect(async () => {
      const deletion = await startDeletion(parts, paths, { object, isForeground }, signal);
      if (deletion !== undefined) deletions.push(deletion);
    });
  }
  for (const deletion of deletions) {
    await collect(async () => {
      await waitUntilGone(parts, { ...deletion, withinMs }, signal);
      parts.report(`${deletion.title}: deleted`);
    });
  }
  return problems;
}

/** Returns undefined if the object does not exist, or is another program's. */
async function startDeletion(
  parts: CommandParts,
  paths: ResourcePaths,
  { object, isForeground }: { readonly object: RemovalObject; readonly isForeground: boolean },
  signal: AbortSignal,
): Promise<Deletion | undefined> {
  const title = describeObject(object);
  try {
    const path = await paths.find(object, signal);
    if (path === undefined) return undefined;
    if (object.isLabelRequired === true && !(await isCreatedByProcess(parts, path, signal))) return undefined;
    const isThere = await deleteObject(parts, path, isForeground ? 'Foreground' : 'Background', signal);
    return isThere ? { path, title } : undefined;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    throw new LifecycleError('NotRemoved', `${title}: ${error.message}`, { cause: error });
  }
}

/** Whether a process of ours created the object. */
async function isCreatedByProcess({ api }: CommandParts, path: string, signal: AbortSignal): Promise<boolean> {
  const answer = await api.request({ method: 'GET', path, signal, timeoutMs: TIMEOUT_MS });
  if (answer.kind === 'refused' && answer.status === 404) return false;
  const body = bodyOrThrow(answer);
  const labels = objectAt(objectAt(isJsonObject(body) ? body : {}, 'metadata'), 'labels');
  return labels['app.kubernetes.io/managed-by'] === 'archpolicy';
}
