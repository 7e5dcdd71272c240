import { isJsonObject, objectAt, parseJobFacts, parseNode, parsePod, textAt } from '@archpolicy/core';
import type { JobFacts, JsonObject, NodeFacts, OwnerReference, PodFacts } from '@archpolicy/core';
import { KubeError, NODES, PODS, resourcePath } from '@archpolicy/kube';
import type { Api, Resource } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import { OperatorError } from '../../errors.ts';
import type { Jobs, NodeReader, PodReader } from '../ports.ts';

const JOBS: Resource = { group: 'batch', version: 'v1', resource: 'jobs' };
/** Timeout of one small GET. If the GET takes longer, the reconcile is retried. */
const READ_TIMEOUT_MS = 10_000;
/** Maximum size of a response. An object takes at most 1.5 MB in etcd, and somewhat more as JSON. */
const MAX_OBJECT_BYTES = 4 * 1024 * 1024;

/** Reads single objects from the API server. */
export class ApiReader implements PodReader, NodeReader, Jobs {
  readonly #api: Pick<Api, 'request'>;
  readonly #logger: Logger;

  constructor(api: Pick<Api, 'request'>, logger: Logger) {
    this.#api = api;
    this.#logger = logger;
  }

  async read(namespace: string, name: string, signal: AbortSignal): Promise<PodFacts | undefined> {
    const answer = await this.#get(PODS, { namespace, name }, signal);
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const pod = answer.kind === 'ok' ? parsePod(answer.object) : undefined;
    if (pod === undefined) throw new OperatorError('PodUnreadable', 'failed to read pod');
    return pod;
  }

  async readNode(name: string, signal: AbortSignal): Promise<NodeFacts | undefined> {
    const answer = await this.#get(NODES, { name }, signal);
    if (answer.kind === 'refused' && answer.status === 404) return undefined;
    const node = answer.kind === 'ok' ? parseNode(answer.object) : undefined;
    if (node === undefined) throw new OperatorError('NodeUnreadable', 'failed to read node');
    return node;
  }

  async get(namespace: string, owner: OwnerReference, signal: AbortSignal): Promise<JobFacts | undefined> {
    const answer = await this.#get(JOBS, { namespace, name: owner.name }, signal);
    if (answer.kind === 'refused') {
      const { status } = answer;
      // Any other status states nothing about the Job, such as 429 or 500: the pod is evaluated again.
      if (status !== 404 && status !== 403) {
        throw new OperatorError('JobUnreadable', `failed to read Job: status ${status}`);
      }
      this.#logger.debug({ namespace, job: owner.name, status }, 'Job does not exist or may not be read');
      return undefined;
    }
    // A Job of the same name with another UID does not own the pod.
    const isIt = textAt(objectAt(answer.object, 'metadata'), 'uid') === owner.uid;
    return isIt ? parseJobFacts(answer.object) : undefined;
  }

  async #get(
    resource: Resource,
    object: { readonly namespace?: string; readonly name: string },
    signal: AbortSignal,
  ): Promise<
    { readonly kind: 'ok'; readonly object: JsonObject } | { readonly kind: 'refused'; readonly status: number }
  > {
    const answer = await this.#api.request({
      method: 'GET',
      path: resourcePath(resource, object),
      signal,
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: MAX_OBJECT_BYTES,
    });
    if (answer.kind === 'refused') return { kind: 'refused', status: answer.status };
    // A body that is no object states nothing, either.
    if (!isJsonObject(answer.body)) throw new KubeError('Malformed', 'the response contains no object');
    return { kind: 'ok', object: answer.body };
  }
}
