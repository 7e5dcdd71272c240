import { PeriodicYield } from '@archpolicy/async';
import { imagesToInspect, isSkipped, isTerminalOrTerminating, parseReference, selectPolicy } from '@archpolicy/core';
import type { ArchPolicy, CronJobFacts, NamespaceFacts, PodFacts } from '@archpolicy/core';
import { podKey } from '@archpolicy/cluster-view';
import type { PullSecretsResult, PullSecretView } from '@archpolicy/cluster-view';
import { HARD_TTL_MS, SOFT_TTL_MS } from '@archpolicy/registry';
import { FairImages } from './fair-images.ts';
import type { ImageInUse } from './image-in-use.ts';

/** The objects that use images. */
export interface ImageSources {
  readonly pods: { list(): readonly PodFacts[] };
  readonly cronJobs: { list(): readonly CronJobFacts[] };
  readonly namespaces: { get(name: string): NamespaceFacts | undefined };
  readonly policies: { list(): readonly ArchPolicy[] };
  /** Returns the name of the policy that governs the pod of this key. */
  readonly getPolicy: (pod: string) => string | undefined;
  readonly pullSecrets: Pick<PullSecretView, 'read' | 'readForTemplate'>;
}

/**
 * Maximum number of images that are kept warm. More images could not be refreshed within the TTL if they are in a few
 * registries, because requests are rate-limited per registry.
 */
const MAX_WARM_IMAGES = 10_000;
/** Number of pods that are processed between two yields to the event loop, in a few tenths of a millisecond. */
const PODS_PER_YIELD = 500;

/**
 * Lists the images of running pods and of CronJobs that are not suspended: at most 10,000, which the namespaces share evenly. Omits images that the
 * governing policy overrides. Omits pods and CronJobs that have no policy or have the skip label. Returns one entry for
 * each combination of image and credentials.
 */
export async function listImagesInUse(
  sources: ImageSources,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ImageInUse>> {
  const wanted = new FairImages(MAX_WARM_IMAGES);
  const policies = new Map(sources.policies.list().map((policy) => [policy.name, policy]));
  const yields = new PeriodicYield(PODS_PER_YIELD);
  for (const pod of sources.pods.list()) {
    const due = yields.count();
    if (due !== undefined) await due;
    if (signal.aborted) break;
    if (isTerminalOrTerminating(pod)) continue;
    const policy = policies.get(sources.getPolicy(podKey(pod)) ?? '');
    if (policy !== undefined) addAll(wanted, pod, policy, () => podIdentity(pod, sources));
  }
  for (const job of sources.cronJobs.list()) {
    const policy = job.suspended ? undefined : findGoverningPolicy(job, policies.values(), sources);
    if (policy !== undefined) addAll(wanted, job, policy, () => cronJobIdentity(job, sources));
  }
  return wanted.toMap();
}

/**
 * Returns the policy that governs the pods of a CronJob. Returns undefined if no policy governs the pods, or if the
 * skip label exempts the pods.
 */
function findGoverningPolicy(
  { namespace: name, podLabels }: CronJobFacts,
  policies: Iterable<ArchPolicy>,
  { namespaces }: ImageSources,
): ArchPolicy | undefined {
  const namespace = namespaces.get(name);
  if (namespace === undefined || isSkipped(podLabels, namespace)) return undefined;
  return selectPolicy(policies, namespace, podLabels);
}

interface PullIdentity {
  /** The name; empty without pull secrets. */
  readonly name: string;
  readonly pullSecrets: ImageInUse['pullSecrets'];
}

function addAll(
  wanted: FairImages,
  { namespace, images }: { readonly namespace: string; readonly images: readonly string[] },
  policy: ArchPolicy,
  getIdentity: () => PullIdentity,
): void {
  const { name, pullSecrets } = getIdentity();
  for (const image of imagesToInspect(images, policy.spec)) {
    const key = `${image} ${name}`;
    if (wanted.has(key, namespace)) continue;
    const parsed = parseReference(image);
    if (parsed.kind === 'failed') continue;
    const reference = parsed.value;
    const ttlMs = reference.digest === undefined ? SOFT_TTL_MS.otherwise : HARD_TTL_MS;
    wanted.add({ key, image, namespace, host: reference.registry.toLowerCase(), ttlMs, pullSecrets });
  }
}

function podIdentity({ namespace, pullSecrets: names = [] }: PodFacts, { pullSecrets }: ImageSources): PullIdentity {
  const read = (signal: AbortSignal): Promise<PullSecretsResult> => pullSecrets.read(namespace, names, signal);
  return { name: names.length === 0 ? '' : `${namespace}/${names.join(',')}`, pullSecrets: read };
}

function cronJobIdentity({ namespace, puller }: CronJobFacts, { pullSecrets }: ImageSources): PullIdentity {
  const read = (signal: AbortSignal): Promise<PullSecretsResult> =>
    pullSecrets.readForTemplate(namespace, puller, signal);
  return { name: `${namespace}/${JSON.stringify(puller)}`, pullSecrets: read };
}
