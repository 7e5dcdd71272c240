import type { ServerResponse } from 'node:http';
import type { Json, JsonObject } from '@archpolicy/core';
import { statusObject } from './status-object.ts';

/** Sends a Status object. */
export function sendStatus(response: ServerResponse, code: number, reason: string, details: JsonObject = {}): void {
  send(response, code, statusObject(code, reason, details));
}

/** Sends a body. A string is sent unchanged, other values as JSON. */
export function send(
  response: ServerResponse,
  status: number,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
