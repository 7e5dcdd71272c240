import { applyPatch, arrayAt, isJsonArray, isJsonObject, jsonEqual, objectAt, textAt } from '@archpolicy/core';
import type { Json, JsonObject, JsonPatchOperation } from '@archpolicy/core';

export const PODS_PATH = '/api/v1/pods';

/** A request, as the fake API server of the testkit saw it. */
export interface RequestSeen {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Json | undefined;
}

/** What it does instead of answering as it should. */
export type Fault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: Json;
    }
  | { readonly kind: 'reset' };

/** The testkit's fake API server, as far as it is used here: test helpers do not import the testkit. */
export interface ApiServerDouble {
  readonly url: string;
  readonly requests: readonly RequestSeen[];
  collection(path: string): {
    readonly objects: ReadonlyMap<string, JsonObject>;
    put(object: JsonObject): JsonObject;
    remove(key: string): void;
  };
  lists(path: string): number;
  start(): Promise<unknown>;
  stop(): Promise<void>;
}

/** Lets a test refuse a patch, or do something first. */
export type PatchRule = (operations: readonly JsonPatchOperation[], pod: JsonObject) => Fault | undefined;

/**
 * An API server that applies JSON Patches to pods as the real one does: on the object as it is now, 422 for a failed
 * `test`, 409 for another version, 422 for what a gated pod must not change. Everything else is the fake's.
 */
export class GatedPodsServer {
  readonly server: ApiServerDouble;
  /** Every JSON Patch that arrived. */
  readonly patches: (readonly JsonPatchOperation[])[] = [];
  rule: PatchRule = () => undefined;

  constructor(server: ApiServerDouble) {
    this.server = server;
  }

  pod(key: string): JsonObject | undefined {
    return this.server.collection(PODS_PATH).objects.get(key);
  }

  put(pod: JsonObject): void {
    this.server.collection(PODS_PATH).put(pod);
  }

  /** Somebody else writes the pod: the same, in another version. */
  touch(key: string): void {
    const pod = this.pod(key);
    if (pod !== undefined) this.put(pod);
  }

  /** The answer to a JSON Patch of a pod; undefined for any other request. To be set as the server's fault rule. */
  answer({ method, path, headers, body }: RequestSeen): Fault | undefined {
    if (method !== 'PATCH' || headers['content-type'] !== 'application/json-patch+json') return undefined;
    const [, namespace = '', name = ''] = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/.exec(path) ?? [];
    const operations = operationsIn(body);
    if (operations === undefined) return refusal(400, 'BadRequest');
    this.patches.push(operations);
    const pod = this.pod(`${namespace}/${name}`);
    if (pod === undefined) return refusal(404, 'NotFound');
    const ruled = this.rule(operations, pod);
    if (ruled !== undefined) return ruled;
    const before = this.pod(`${namespace}/${name}`) ?? pod;
    return this.#apply(before, operations);
  }

  #apply(before: JsonObject, operations: readonly JsonPatchOperation[]): Fault {
    const applied = applyPatch(before, operations);
    if (applied.kind === 'refused' || !isJsonObject(applied.value)) return refusal(422, 'Invalid');
    const after = applied.value;
    const versionOf = (pod: JsonObject): string | undefined => textAt(objectAt(pod, 'metadata'), 'resourceVersion');
    if (versionOf(after) !== versionOf(before)) return refusal(409, 'Conflict');
    if (!onlyNarrows(before, after)) return refusal(422, 'Invalid');
    return { kind: 'answer', status: 200, body: this.server.collection(PODS_PATH).put(after) };
  }
}

export function refusal(status: number, reason: string): Fault {
  return {
    kind: 'answer',
    status,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status, reason },
  };
}

function operationsIn(body: Json | undefined): readonly JsonPatchOperation[] | undefined {
  if (!isJsonArray(body)) return undefined;
  const operations = body.map(operationIn).filter((operation) => operation !== undefined);
  return operations.length === body.length ? operations : undefined;
}

function operationIn(json: Json): JsonPatchOperation | undefined {
  if (!isJsonObject(json)) return undefined;
  const { op, value } = json;
  const path = textAt(json, 'path');
  if (path === undefined) return undefined;
  if (op === 'remove') return { op, path };
  const isKnown = op === 'add' || op === 'replace' || op === 'test';
  return isKnown && value !== undefined ? { op, path, value } : undefined;
}

/** What the API server allows for a gated pod's required terms: set where absent, expressions appended, none to empty terms. */
function onlyNarrows(before: JsonObject, after: JsonObject): boolean {
  const old = termsOf(before);
  if (old === undefined) return true;
  const now = termsOf(after);
  return now?.length === old.length && old.every((term, index) => isAppended(term, now[index]));
}

function isAppended(old: Json, now: Json | undefined): boolean {
  if (!isJsonObject(old) || !isJsonObject(now)) return false;
  if (Object.keys(old).length === 0) return jsonEqual(old, now);
  return ['matchExpressions', 'matchFields'].every((list) => {
    const was = arrayAt(old, list);
    return jsonEqual([...arrayAt(now, list).slice(0, was.length)], [...was]);
  });
}

function termsOf(pod: JsonObject): readonly Json[] | undefined {
  const affinity = objectAt(objectAt(objectAt(pod, 'spec'), 'affinity'), 'nodeAffinity');
  const required = affinity['requiredDuringSchedulingIgnoredDuringExecution'];
  return isJsonObject(required) ? arrayAt(required, 'nodeSelectorTerms') : undefined;
}
