import { isJsonObject, objectAt } from '@archpolicy/core';
import type { Json, JsonObject } from '@archpolicy/core';
import { KubeError } from '../../errors.ts';
import { parseRefusal } from '../../http/answer.ts';
import type { ApiAnswer } from '../../http/answer.ts';
import type { Api, ApiRequest } from '../../http/api-client.ts';

/** One Lease in memory, with the conflicts of the API server, and outages at the test's will. */
export class LeaseStore implements Pick<Api, 'request'> {
  lease: JsonObject | undefined;
  /** Every write that was accepted: method and holder. */
  readonly writes: string[] = [];
  reads = 0;
  /** While true, no call gets through. */
  down = false;
  #version = 0;

  request({ method, body }: ApiRequest): Promise<ApiAnswer> {
    if (this.down) return Promise.reject(new KubeError('network', 'down'));
    if (method === 'GET') {
      this.reads += 1;
      return Promise.resolve(this.lease === undefined ? refuse(404) : { kind: 'ok', status: 200, body: this.lease });
    }
    if (method === 'POST' && this.lease !== undefined) return Promise.resolve(refuse(409));
    if (method === 'PUT' && this.lease === undefined) return Promise.resolve(refuse(404));
    if (method === 'PUT' && versionOf(body) !== versionOf(this.lease)) return Promise.resolve(refuse(409));
    const lease = this.set(isJsonObject(body) ? body : {});
    this.writes.push(`${method} ${this.holder ?? ''}`);
    return Promise.resolve({ kind: 'ok', status: 200, body: lease });
  }

  /** What somebody else writes. */
  set(object: JsonObject): JsonObject {
    this.#version += 1;
    this.lease = { ...object, metadata: { ...objectAt(object, 'metadata'), resourceVersion: String(this.#version) } };
    return this.lease;
  }

  /** Another holder's renewal, with whatever its clock says. */
  hold(holder: string, renewTime: string, leaseDurationSeconds = 15): void {
    this.set({ ...this.lease, spec: { holderIdentity: holder, renewTime, leaseDurationSeconds, leaseTransitions: 3 } });
  }

  get spec(): JsonObject {
    return objectAt(this.lease ?? {}, 'spec');
  }

  get holder(): string | undefined {
    const holder = this.spec['holderIdentity'];
    return typeof holder === 'string' ? holder : undefined;
  }
}

function refuse(status: number): ApiAnswer {
  return parseRefusal(status, undefined, undefined);
}

function versionOf(object: Json | undefined): Json | undefined {
  return isJsonObject(object) ? objectAt(object, 'metadata')['resourceVersion'] : undefined;
}
