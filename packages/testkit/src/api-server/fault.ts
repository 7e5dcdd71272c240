import type { ServerResponse } from 'node:http';
import type { Json } from '@archpolicy/core';
import { writeAnswer } from '../http/index.ts';
import type { RawAnswer } from '../http/index.ts';
import type { ApiRequestSeen } from './request.ts';
import { send } from './send.ts';
import { statusObject } from './status-object.ts';

/** A fault that replaces the regular response. */
export type ApiFault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** The body of the response. A string is sent unchanged, other values as JSON. */
      readonly body?: Json;
    }
  /** Accepts the request and never responds. */
  | { readonly kind: 'hang' }
  /** Closes the connection with RST, without a response. */
  | { readonly kind: 'reset' }
  /** Closes the connection with FIN, without a response. */
  | { readonly kind: 'close' }
  /** Sends headers and the start of a body, then closes the connection with RST. */
  | { readonly kind: 'cut'; readonly body: string }
  /** Writes these bytes as the whole response. */
  | { readonly kind: 'raw'; readonly answer: RawAnswer };

/** Returns the fault for a request; undefined: respond regularly. */
export type ApiFaultRule = (request: ApiRequestSeen) => ApiFault | undefined;

/** Responds with a fault. */
export function applyFault(fault: ApiFault, response: ServerResponse): void {
  switch (fault.kind) {
    case 'hang':
      return;
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'close':
      response.socket?.end();
      return;
    case 'cut':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(fault.body, () => response.socket?.resetAndDestroy());
      return;
    case 'raw':
      writeRaw(response, fault.answer);
      return;
    case 'answer':
      send(response, fault.status, fault.body ?? statusObject(fault.status, ''), fault.headers);
  }
}

function writeRaw(response: ServerResponse, answer: RawAnswer): void {
  const { socket } = response;
  if (socket === null) return;
  writeAnswer(socket, answer, () => undefined);
  // Node then serves the next request of the connection.
  response.emit('finish');
}
