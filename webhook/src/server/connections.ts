import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { yieldToEventLoop } from '@archpolicy/async';
import type { Clock } from '@archpolicy/async';
import { ConnectionTable, listen } from '@archpolicy/service';
import type { Address, CheckResult } from '@archpolicy/service';
import type { Certificate } from '../tls/certificate.ts';
import { watchClientRejections } from '../tls/client-rejections.ts';
import type { ClientRejection } from '../tls/client-rejections.ts';
import { TLS_OPTIONS } from '../tls/options.ts';
import { CONNECTION_AGE_SPREAD, LIMITS } from './limits.ts';
import type { Limits } from './limits.ts';

/** The serving certificate and its key, PEM. */
export type ServingPair = Pick<Certificate, 'cert' | 'key'>;

/** What the files of the server's TLS contain. */
export interface ServerTlsSettings {
  readonly certificate?: ServingPair;
  /** The authorities of client certificates, PEM. */
  readonly clientCa?: Buffer;
}

export interface ConnectionsOptions {
  readonly certificate: ServingPair;
  /** The authorities of client certificates, PEM. With them, clients without a certificate are rejected. */
  readonly clientCa?: Buffer;
  readonly address: Address;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly random: () => number;
  /** Called for each connection that is closed because there are too many. */
  readonly onConnectionClosed?: () => void;
  /** Called for each connection that is rejected because of its client certificate. */
  readonly onClientRejected?: (rejection: ClientRejection) => void;
  /** Limits that tests override. */
  readonly limits?: Partial<Limits>;
}

type TlsSettings = Pick<ConnectionsOptions, 'certificate' | 'clientCa'>;

/** Returns all options of the TLS context, because Node uses the default of each option that is missing at a reload. */
function toContextOptions({ certificate: { cert, key }, clientCa }: TlsSettings): SecureContextOptions {
  return { ...TLS_OPTIONS, cert, key, ...(clientCa !== undefined && { ca: clientCa }) };
}

/** The HTTPS connections of a server: their TLS, their number and their age. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #server: Server;
  #tls: TlsSettings;
  readonly #table: ConnectionTable;
  readonly #max: number;
  /** The time at which each connection reaches its maximum age, monotonic milliseconds. */
  readonly #maxAgeReachedAt = new WeakMap<Socket, number>();

  constructor(options: ConnectionsOptions, onRequest: RequestListener) {
    this.#options = options;
    this.#tls = options;
    const limits = { ...LIMITS, ...options.limits };
    this.#max = limits.connections;
    this.#table = new ConnectionTable(limits.connections, options.onConnectionClosed);
    this.#server = createServer(
      {
        ...toContextOptions(options),
        requestCert: options.clientCa !== undefined,
        handshakeTimeout: limits.handshakeMs,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        connectionsCheckingInterval: limits.checkingMs,
        keepAliveTimeout: limits.keepAliveMs,
      },
      onRequest,
    );
    this.#table.watch(this.#server);
    if (options.onClientRejected !== undefined) watchClientRejections(this.#server, options.onClientRejected);
    this.#server.on('secureConnection', (socket) => {
      const age = limits.connectionAgeMs * (1 - CONNECTION_AGE_SPREAD * options.random());
      this.#maxAgeReachedAt.set(socket, options.clock.monotonic() + age);
    });
  }

  /** Which of the connections have a request. */
  get table(): Pick<ConnectionTable, 'touch' | 'begin' | 'end'> {
    return this.#table;
  }

  /** Whether a new connection would be accepted. */
  check(): CheckResult {
    if (!this.#server.listening) return { ok: false, reason: 'the server does not listen' };
    if (this.#table.hasRoom) return { ok: true };
    return { ok: false, reason: `all ${this.#max} connections wait for responses` };
  }

  /**
   * Starts to accept connections. Resolves with the port.
   * @throws ServiceError
   */
  async listen(): Promise<number> {
    return listen(this.#server, this.#options.address);
  }

  /**
   * Uses another certificate, or other authorities, for new connections. An open connection keeps those with which it was
   * opened, and ends after `connectionAgeMs`.
   */
  reload(changed: ServerTlsSettings): void {
    this.#tls = { ...this.#tls, ...changed };
    this.#server.setSecureContext(toContextOptions(this.#tls));
  }

  /** Whether a connection has reached its maximum age. */
  isOld(socket: Socket): boolean {
    const end = this.#maxAgeReachedAt.get(socket);
    return end !== undefined && this.#options.clock.monotonic() >= end;
  }

  /**
   * Stops accepting connections, waits for `idle`, then closes all connections. Requests that have arrived are read first:
   * to close a connection with an unread request would reset it, and the API server does not send a review again.
   */
  async close(idle: () => Promise<void>): Promise<void> {
    // One turn of the event loop may have begun already, so the second one is the first that polls all sockets.
    await yieldToEventLoop();
    await yieldToEventLoop();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    await idle();
    // Closes the remaining connections. Node does not close a connection on which no request was sent yet, because Node
    // does not count this connection as idle.
    this.#server.closeAllConnections();
    await closed;
  }
}
