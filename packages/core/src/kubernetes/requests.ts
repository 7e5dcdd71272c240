import type { JsonObject } from '../json/json.ts';
import { isJsonObject } from '../json/json.ts';
import { arrayAt, objectAt } from '../json/read.ts';
import { parseQuantityMilli } from './quantity.ts';

/** Maps the name of a resource (`cpu`, `memory`, `nvidia.com/gpu`) to an amount in thousandths of its unit. */
export type ResourceAmounts = Readonly<Record<string, number>>;

/** The resource that limits the number of pods of a node: each pod uses one unit. */
export const RESOURCE_PODS = 'pods';

const NONE: ResourceAmounts = {};
/**
 * Maximum number of resources per pod. It is limited, because each name is stored per pod, and is compared with each
 * node and the pods on that node. Nodes have fewer than twenty resources, but a tenant can invent names. Further names
 * are ignored.
 */
const MAX_RESOURCES = 64;
const ON_EVERY_NODE = ['cpu', 'memory', 'ephemeral-storage'];
/** Matches the resources whose request `spec.resources` can set for the whole pod, instead of the sum over the containers. */
const POD_LEVEL = /^(?:cpu|memory|hugepages-.+)$/;

/**
 * Computes the resources that the scheduler reserves for a pod, which is the larger of two amounts. The first is the sum over containers
 * and sidecars. The second is the maximum, over all init containers, of the init container plus the sidecars started before it.
 * Pod-level requests replace both. The overhead of the RuntimeClass is always added.
 * https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/component-helpers/resource/helpers.go (`PodRequests`)
 *
 * Invalid quantities count as zero. Resources allocated beyond the spec by an in-place resize are not considered.
 */
export function podRequests(spec: JsonObject): ResourceAmounts {
  const total = new Map<string, number>();
  for (const container of objects(spec, 'containers')) add(total, readRequests(container));
  const started = new Map<string, number>();
  const initial = new Map<string, number>();
  for (const container of objects(spec, 'initContainers')) {
    const requests = readRequests(container);
    const isSidecar = container['restartPolicy'] === 'Always';
    if (isSidecar) add(total, requests);
    // Loops over the names of this container only: with thousands of containers and names, loops over all of `started`
    // would take seconds.
    for (const [name, amount] of requests) {
      const beside = (started.get(name) ?? 0) + amount;
      if (isSidecar) started.set(name, beside);
      initial.set(name, Math.max(initial.get(name) ?? 0, beside));
    }
  }
  raise(total, initial);
  for (const [name, amount] of readRequests(spec)) if (POD_LEVEL.test(name)) total.set(name, amount);
  return toAmounts(limitResources(add(total, amountsAt(spec, 'overhead'))));
}

/** Reads `status.allocatable` of a node; undefined if not reported. */
export function nodeAllocatable(status: JsonObject): ResourceAmounts | undefined {
  const amounts = amountsAt(status, 'allocatable');
  return amounts.size === 0 ? undefined : toAmounts(amounts);
}

/** What the pods of a node reserve in all. */
export interface ReservedRequests {
  readonly pods: number;
  readonly amounts: ResourceAmounts;
}

export function sumRequests(pods: readonly ResourceAmounts[]): ReservedRequests {
  const total = new Map<string, number>();
  for (const amounts of pods) add(total, new Map(Object.entries(amounts)));
  return { pods: pods.length, amounts: toAmounts(total) };
}

/**
 * Returns whether a node has room for one more pod with these requests.
 *
 * @param allocatable the allocatable resources of the node. If absent, they are unknown, and the result is true
 * @param reserved the requests of the running pods of the node
 */
export function hasRoom(
  requests: ResourceAmounts,
  allocatable: ResourceAmounts | undefined,
  reserved: ReservedRequests,
): boolean {
  if (allocatable === undefined) return true;
  const slots = getAmount(allocatable, RESOURCE_PODS);
  if (slots !== undefined && (reserved.pods + 1) * 1_000 > slots) return false;
  return Object.entries(requests).every(([name, amount]) => {
    const most = getAmount(allocatable, name) ?? 0;
    return amount === 0 || amount + (getAmount(reserved.amounts, name) ?? 0) <= most;
  });
}

function readRequests(holder: JsonObject): ReadonlyMap<string, number> {
  return amountsAt(objectAt(holder, 'resources'), 'requests');
}

function amountsAt(parent: JsonObject, key: string): ReadonlyMap<string, number> {
  const amounts = new Map<string, number>();
  for (const [name, value] of Object.entries(objectAt(parent, key))) {
    const amount =
      typeof value === 'string' || typeof value === 'number' ? parseQuantityMilli(String(value)) : undefined;
    if (amount !== undefined) amounts.set(name, amount);
  }
  return amounts;
}

function add(to: Map<string, number>, amounts: ReadonlyMap<string, number>): Map<string, number> {
  for (const [name, amount] of amounts) to.set(name, (to.get(name) ?? 0) + amount);
  return to;
}

function raise(to: Map<string, number>, amounts: ReadonlyMap<string, number>): void {
  for (const [name, amount] of amounts) to.set(name, Math.max(to.get(name) ?? 0, amount));
}

/** Returns at most {@link MAX_RESOURCES} non-zero amounts. The resources that every node has are preferred. */
function limitResources(amounts: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  for (const name of [...ON_EVERY_NODE, ...amounts.keys()]) {
    const amount = amounts.get(name) ?? 0;
    if (amount !== 0) first.set(name, amount);
    if (first.size === MAX_RESOURCES) break;
  }
  return first;
}

function toAmounts(amounts: ReadonlyMap<string, number>): ResourceAmounts {
  return amounts.size === 0 ? NONE : Object.fromEntries(amounts);
}

function getAmount(amounts: ResourceAmounts, name: string): number | undefined {
  return Object.hasOwn(amounts, name) ? amounts[name] : undefined;
}

function objects(spec: JsonObject, key: string): readonly JsonObject[] {
  return arrayAt(spec, key).filter(isJsonObject);
}
