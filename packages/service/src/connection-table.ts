import type { Server, Socket } from 'node:net';

/** One connection. */
interface Connection {
  readonly socket: Socket;
  /** The addresses and ports of both ends. */
  readonly ends: string;
  readonly peer: Peer;
  isOpen: boolean;
  /** The number of complete requests that are not answered yet. */
  active: number;
  /** Increases with each change: of two idle connections, the one with the smaller number has been idle for longer. */
  order: number;
}

/** The connections of one remote address. */
interface Peer {
  readonly address: string;
  open: number;
  /** Connections without a complete request, the longest idle first. */
  readonly idle: Set<Connection>;
}

/**
 * Bounds the connections of a server. Where a server with `maxConnections` refuses a new connection, this table closes
 * another one: of the address with the most idle connections, the one that has been idle for the longest. A connection
 * is idle while it has no complete request: before its handshake, between requests, and while a request is half-read.
 * So a caller that opens many connections loses its own first, and cannot keep other callers out.
 *
 * A new connection is refused only while all others have complete requests.
 */
export class ConnectionTable {
  readonly #max: number;
  readonly #onClose: (() => void) | undefined;
  /** By both ends, because the socket of TLS and the socket of TCP below it are different objects. */
  readonly #byEnds = new Map<string, Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #peers = new Map<string, Peer>();
  #order = 0;
  #open = 0;
  #idle = 0;

  /** @param onClose called for each connection that is closed because the table is full */
  constructor(max: number, onClose?: () => void) {
    this.#max = max;
    this.#onClose = onClose;
  }

  /** Adds the connections of a server, with or without TLS, as it accepts them. */
  watch(server: Server): void {
    server.on('connection', (socket) => {
      this.#add(socket);
    });
    server.on('secureConnection', (socket: Socket) => {
      const connection = this.#byEnds.get(getEnds(socket));
      if (connection !== undefined) this.#bySocket.set(socket, connection);
    });
  }

  /** The number of open connections. */
  get size(): number {
    return this.#open;
  }

  /** Whether the server would keep a new connection. */
  get hasRoom(): boolean {
    return this.size < this.#max || this.#idle > 0;
  }

  /** Call when the headers of a request have arrived. */
  touch(socket: Socket): void {
    const connection = this.#find(socket);
    if (connection?.peer.idle.delete(connection) === true) this.#appendIdle(connection);
  }

  /** Call when a request is complete. Its connection is not closed to make room until `end`. */
  begin(socket: Socket): void {
    const connection = this.#find(socket);
    if (connection === undefined) return;
    connection.active += 1;
    if (connection.peer.idle.delete(connection)) this.#idle -= 1;
  }

  /**
   * Call when the response to a request has been written. It does not matter whether the client has read it: a client
   * that reads nothing must not keep a connection open.
   */
  end(socket: Socket): void {
    const connection = this.#find(socket);
    if (connection === undefined) return;
    connection.active -= 1;
    if (connection.active > 0) return;
    this.#idle += 1;
    this.#appendIdle(connection);
  }

  #find(socket: Socket): Connection | undefined {
    const connection = this.#bySocket.get(socket);
    return connection?.isOpen === true ? connection : undefined;
  }

  #appendIdle(connection: Connection): void {
    this.#order += 1;
    connection.order = this.#order;
    connection.peer.idle.add(connection);
  }

  #add(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined) {
      // The client has closed the connection already.
      socket.destroy();
      return;
    }
    const peer = this.#peers.get(address) ?? { address, open: 0, idle: new Set<Connection>() };
    const connection = { socket, ends: getEnds(socket), peer, isOpen: true, active: 0, order: 0 };
    this.#peers.set(address, peer);
    this.#byEnds.set(connection.ends, connection);
    this.#bySocket.set(socket, connection);
    peer.open += 1;
    this.#open += 1;
    this.#idle += 1;
    this.#appendIdle(connection);
    socket.once('close', () => {
      this.#remove(connection);
    });
    if (this.size > this.#max) this.#makeRoom();
  }

  /** Removes a connection. A second call has no effect. */
  #remove(connection: Connection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    this.#open -= 1;
    // A client may reset a connection and connect again from the same port before the first one is closed here.
    if (this.#byEnds.get(connection.ends) === connection) this.#byEnds.delete(connection.ends);
    const { peer } = connection;
    peer.open -= 1;
    if (peer.open === 0) this.#peers.delete(peer.address);
    if (peer.idle.delete(connection)) this.#idle -= 1;
  }

  #makeRoom(): void {
    const victim = this.#selectVictim();
    if (victim === undefined) return;
    this.#remove(victim);
    victim.socket.destroy();
    this.#onClose?.();
  }

  #selectVictim(): Connection | undefined {
    let victim: Connection | undefined;
    for (const { idle } of this.#peers.values()) {
      const [longest] = idle;
      if (longest === undefined) continue;
      const more = victim === undefined ? 1 : idle.size - victim.peer.idle.size;
      if (victim === undefined || more > 0 || (more === 0 && longest.order < victim.order)) victim = longest;
    }
    return victim;
  }
}

function getEnds({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
}
