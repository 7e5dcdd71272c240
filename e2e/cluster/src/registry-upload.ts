import { createHash } from 'node:crypto';
import { ClusterError } from './errors.ts';

/** A blob or manifest, as the manifests that contain it name it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** A repository of a registry that serves plain HTTP without credentials. */
export interface Repository {
  readonly registry: string;
  readonly repository: string;
}

/** Uploads a blob (github.com/opencontainers/distribution-spec, "Pushing blobs"). */
export async function pushBlob(target: Repository, mediaType: string, content: Buffer): Promise<Descriptor> {
  const { registry, repository } = target;
  const descriptor = describe(mediaType, content);
  const begin = await expectStatus(202, `http://${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(begin.headers.get('location') ?? '', `http://${registry}`);
  location.searchParams.set('digest', descriptor.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus(201, location.href, { method: 'PUT', headers, body: new Uint8Array(content) });
  return descriptor;
}

/** Uploads a manifest or an index. Without a tag it is found by its digest only. */
export async function putManifest(
  { registry, repository }: Repository,
  mediaType: string,
  content: Buffer,
  tag: string | undefined,
): Promise<Descriptor> {
  const descriptor = describe(mediaType, content);
  const url = `http://${registry}/v2/${repository}/manifests/${tag ?? descriptor.digest}`;
  await expectStatus(201, url, {
    method: 'PUT',
    headers: { 'content-type': mediaType },
    body: new Uint8Array(content),
  });
  return descriptor;
}

function describe(mediaType: string, content: Buffer): Descriptor {
  return { mediaType, digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, size: content.length };
}

/** A layer with Node has 50 MB. */
const REQUEST_TIMEOUT_MILLISECONDS = 60_000;

async function expectStatus(wanted: number, url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS) });
  const body = await response.text();
  if (response.status === wanted) return response;
  throw new ClusterError('Request', `${init.method ?? 'GET'} ${url} answered ${response.status}: ${body}`);
}
