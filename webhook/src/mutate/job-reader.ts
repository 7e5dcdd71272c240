import { isJsonObject, objectAt, textAt } from '@archpolicy/core';
import type { OwnerReference } from '@archpolicy/core';
import { resourcePath } from '@archpolicy/kube';
import type { Api, Resource } from '@archpolicy/kube';
import type { Logger } from '@archpolicy/service';
import type { JobDeadline, JobReader } from './ports.ts';

const JOBS: Resource = { group: 'batch', version: 'v1', resource: 'jobs' };
/** Maximum size of a response. An object takes at most 1.5 MB in etcd, and somewhat more as JSON. */
const MAX_JOB_BYTES = 4 * 1024 * 1024;
const UNKNOWN: JobDeadline = { kind: 'unknown' };

/** Reads Jobs from the API server. */
export class ApiJobReader implements JobReader {
  readonly #api: Pick<Api, 'request'>;
  readonly #logger: Pick<Logger, 'debug'>;

  constructor(api: Pick<Api, 'request'>, logger: Pick<Logger, 'debug'>) {
    this.#api = api;
    this.#logger = logger;
  }

  async readDeadline(namespace: string, { name, uid }: OwnerReference, budgetMs: number): Promise<JobDeadline> {
    if (budgetMs <= 0) return UNKNOWN;
    try {
      const answer = await this.#api.request({
        method: 'GET',
        path: resourcePath(JOBS, { namespace, name }),
        signal: new AbortController().signal,
        timeoutMs: budgetMs,
        maxBytes: MAX_JOB_BYTES,
      });
      // A Job with another uid has the same name as the pod's Job, but does not own the pod.
      const body = answer.kind === 'ok' ? answer.body : undefined;
      if (!isJsonObject(body) || textAt(objectAt(body, 'metadata'), 'uid') !== uid) return UNKNOWN;
      const seconds = objectAt(body, 'spec')['activeDeadlineSeconds'];
      return typeof seconds === 'number' ? { kind: 'known', seconds } : { kind: 'known' };
    } catch (err) {
      this.#logger.debug({ namespace, job: name, err }, 'failed to read Job, not gating its pod');
      return UNKNOWN;
    }
  }
}
