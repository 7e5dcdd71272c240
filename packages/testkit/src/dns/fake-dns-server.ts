import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import packet from 'dns-packet';
import type { Answer, Packet, Question } from 'dns-packet';

/** What the server answers about one name. */
export interface ZoneEntry {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly CNAME?: string;
  readonly ttlSeconds?: number;
  /** The answer instead of records: an error, or none at all. `silent-AAAA` answers all but AAAA queries. */
  readonly fault?: 'SERVFAIL' | 'REFUSED' | 'NOTIMP' | 'silent' | 'silent-AAAA';
  /** Whether answers over UDP are truncated and empty, so that the client has to use TCP. */
  readonly isTruncated?: boolean;
}

/** Names in lower case, without trailing dot. `*.domain` is for all names below the domain that have no entry. */
export type DnsZone = Readonly<Record<string, ZoneEntry>>;

/** Response codes: https://www.iana.org/assignments/dns-parameters/dns-parameters.xhtml#dns-parameters-6 */
const RCODES = { SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
const MAX_CNAMES = 8;

/**
 * A fake DNS server of a cluster, over UDP and TCP. It answers from a table. Names without an entry do not exist.
 */
export class FakeDnsServer {
  /** The questions that were received, such as `A registry.test`. */
  readonly questions: string[] = [];
  zone: DnsZone;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();

  constructor(zone: DnsZone) {
    this.zone = zone;
    this.#udp = createSocket('udp4', (message, from) => {
      this.#answerUdp(message, from);
    });
    this.#tcp = createServer((socket) => {
      this.#answerTcp(socket);
    });
  }

  async start(address = '127.0.0.1', port = 0): Promise<this> {
    this.#tcp.listen(port, address);
    await once(this.#tcp, 'listening');
    this.#udp.bind(this.port, address);
    await once(this.#udp, 'listening');
    return this;
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    const closed = [once(this.#udp, 'close'), once(this.#tcp, 'close')];
    this.#udp.close();
    this.#tcp.close();
    await Promise.all(closed);
  }

  #answerUdp(message: Buffer, from: RemoteInfo): void {
    const answer = this.#answer(message, 'udp');
    if (answer !== undefined) this.#udp.send(packet.encode(answer), from.port, from.address);
  }

  #answerTcp(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('error', () => undefined).on('close', () => this.#connections.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = received.readUInt16BE(0);
        const answer = this.#answer(received.subarray(2, 2 + length), 'tcp');
        received = received.subarray(2 + length);
        if (answer === undefined) continue;
        const encoded = packet.encode(answer);
        const prefix = Buffer.alloc(2);
        prefix.writeUInt16BE(encoded.length);
        socket.write(Buffer.concat([prefix, encoded]));
      }
    });
  }

  /** Returns the answer to a message; undefined for none. */
  #answer(message: Buffer, transport: 'udp' | 'tcp'): Packet | undefined {
    const { id, questions = [] } = packet.decode(message);
    const [question] = questions;
    if (question === undefined) return undefined;
    const name = question.name.toLowerCase();
    this.questions.push(`${question.type} ${name}`);
    const entry = this.#entryOf(name);
    if (isSilent(entry, question)) return undefined;
    const isTruncated = entry?.isTruncated === true && transport === 'udp';
    return {
      type: 'response',
      ...(id === undefined ? {} : { id }),
      flags:
        packet.RECURSION_DESIRED |
        packet.RECURSION_AVAILABLE |
        rcodeOf(entry) |
        (isTruncated ? packet.TRUNCATED_RESPONSE : 0),
      questions: [question],
      answers: isTruncated ? [] : this.#records(question, name),
    };
  }

  #entryOf(name: string): ZoneEntry | undefined {
    if (Object.hasOwn(this.zone, name)) return this.zone[name];
    const labels = name.split('.');
    const wildcards = labels.map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
    const wildcard = wildcards.find((text) => Object.hasOwn(this.zone, text));
    return wildcard === undefined ? undefined : this.zone[wildcard];
  }

  /** Returns the records of a name, and those of the names to which its aliases point. */
  #records({ type, name: asked }: Question, name: string): Answer[] {
    const records: Answer[] = [];
    let owner = asked;
    let entry = this.#entryOf(name);
    for (let aliases = 0; entry?.CNAME !== undefined && aliases < MAX_CNAMES; aliases += 1) {
      records.push({ type: 'CNAME', name: owner, data: entry.CNAME, ttl: entry.ttlSeconds ?? 60 });
      owner = entry.CNAME;
      entry = this.#entryOf(owner);
    }
    if (type !== 'A' && type !== 'AAAA') return records;
    const ttl = entry?.ttlSeconds ?? 60;
    return [...records, ...(entry?.[type] ?? []).map((data) => ({ type, name: owner, data, ttl }))];
  }
}

function rcodeOf(entry: ZoneEntry | undefined): number {
  if (entry === undefined) return RCODES.NXDOMAIN;
  const { fault } = entry;
  return fault === undefined || fault === 'silent' || fault === 'silent-AAAA' ? 0 : RCODES[fault];
}

function isSilent(entry: ZoneEntry | undefined, { type }: Question): boolean {
  return entry?.fault === 'silent' || (entry?.fault === 'silent-AAAA' && type === 'AAAA');
}
