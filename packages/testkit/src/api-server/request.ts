import type { IncomingMessage } from 'node:http';
import type { Json } from '@archpolicy/core';

/** A received request. */
export interface ApiRequestSeen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Parsed if it is JSON. */
  readonly body: Json | undefined;
}

/** Reads a whole request. */
export async function readRequest(request: IncomingMessage): Promise<ApiRequestSeen> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://localhost');
  const { method = '', headers } = request;
  return { method, path, query, headers, body: await readBody(request) };
}

async function readBody(request: IncomingMessage): Promise<Json | undefined> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
