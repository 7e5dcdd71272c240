import { BatchedTimeout, onAbort, SharedBudget } from '@archpolicy/async';
import type { Clock, Release } from '@archpolicy/async';
import { ByteCollector } from './byte-collector.ts';
import { decodeBody } from './content-encoding.ts';
import type { Decoders } from './content-encoding.ts';
import { failedBecause } from './outcome.ts';
import type { Fetched } from './outcome.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Up to this length a body needs only a part of the budget of small bodies. Most manifests and config blobs, and all
 * responses of token services, are shorter.
 */
const SMALL_BYTES = 64 * KIB;
/**
 * The memory of the bodies that are read at the same time. The budgets are separate, so that a body that turns out to be
 * long waits only for bodies that have got all that they need, and small ones wait for small ones only.
 */
const SMALL_BUDGET_BYTES = 16 * MIB;
const LARGE_BUDGET_BYTES = 48 * MIB;
/**
 * How long the body of a response may take. A manifest takes some milliseconds. Four MiB, which is the longest body that is
 * accepted, arrive in this time at 7 Mbit/s.
 */
const BODY_TIMEOUT_MS = 5_000;
/** Bodies whose reading starts within this time share one deadline. */
const SHARED_DEADLINE_MS = 500;
/**
 * A healthy registry delivers a body in less than a quarter of a second, so that only slow bodies are dropped while other
 * namespaces wait.
 */
const REVOCATION = { overShareMs: 250, slowMs: 1_000 };

/**
 * Maximum number of chunks of a body, because each costs about a microsecond. The longest body in TCP segments of 1,460
 * bytes has 2,900.
 */
const MAX_CHUNKS = 8 * KIB;

const TOO_LARGE = failedBecause({ kind: 'response-too-large' }, 'TooLarge');

/** The reason for which a request ends when its body arrives too slowly. */
export const BODY_TOO_SLOW = new Error('the body did not arrive in time');
/** The reason for which a request ends when other bodies need its share of the budget. */
export const BODY_REVOKED = new Error('other bodies need the memory of the body');

/** A body to read. */
export interface ResponseBody {
  readonly stream: AsyncIterable<Uint8Array>;
  /** The declared length, before decoding. Absent if the response declares none. */
  readonly declaredBytes?: number | undefined;
  readonly decoders: Decoders;
  /** Maximum length of the body, both before and after decoding. */
  readonly maxBytes: number;
  /** The namespace for which the body is read. */
  readonly tenant: string;
  /** Aborts the request, and so ends `stream`. */
  readonly request: AbortController;
}

/** The memory that one body has got. */
interface BodyMemory {
  readonly releases: Release[];
  /** Whether the body had to wait for memory. */
  isDelayed: boolean;
}

/**
 * Reads bodies of responses within one budget of bytes for the whole process, which namespaces share. A body that needs
 * more than is free waits, and its connection is paused. While a body waits, slow bodies of other namespaces are dropped.
 */
export class ResponseBodyReader {
  readonly #clock: Clock;
  readonly #small: SharedBudget;
  readonly #large: SharedBudget;
  readonly #deadlines: BatchedTimeout;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#small = new SharedBudget({ clock, capacity: SMALL_BUDGET_BYTES, ...REVOCATION });
    this.#large = new SharedBudget({ clock, capacity: LARGE_BUDGET_BYTES, ...REVOCATION });
    this.#deadlines = new BatchedTimeout({ clock, shareMs: SHARED_DEADLINE_MS });
  }

  /** The bytes that are reserved for bodies. */
  get reservedBytes(): number {
    return this.#small.used + this.#large.used;
  }

  /**
   * Reads and decodes a body. Returns a failure when it is too long or damaged. The rest is then not read. The caller ends
   * the request.
   * @throws the error of the stream, which ends with the request
   */
  async read(body: ResponseBody): Promise<Fetched<Uint8Array>> {
    const { request } = body;
    const deadline = this.#deadlines.signal(this.#clock.monotonic() + BODY_TIMEOUT_MS);
    const memory: BodyMemory = { releases: [], isDelayed: false };
    const stopListening = onAbort(deadline, () => {
      // Time that was spent waiting for memory shows nothing about the host.
      request.abort(memory.isDelayed ? BODY_REVOKED : BODY_TOO_SLOW);
    });
    try {
      return await this.#read(body, memory);
    } finally {
      stopListening();
      for (const release of memory.releases) release();
    }
  }

  async #read(body: ResponseBody, memory: BodyMemory): Promise<Fetched<Uint8Array>> {
    const { stream, declaredBytes, decoders, maxBytes } = body;
    if (declaredBytes !== undefined && declaredBytes > maxBytes) return TOO_LARGE;
    let reserved = firstReservation(body);
    await this.#reserve(body, reserved, memory);
    const bytes = new ByteCollector(declaredBytes);
    let chunks = 0;
    for await (const chunk of stream) {
      const length = bytes.length + chunk.byteLength;
      if (length > maxBytes) return TOO_LARGE;
      chunks += 1;
      if (chunks > MAX_CHUNKS) return failedBecause({ kind: 'invalid-response' }, 'Malformed');
      if (length > reserved) {
        reserved = maxBytes;
        await this.#reserve(body, reserved, memory);
        bytes.growTo(reserved);
      }
      bytes.append(chunk);
    }
    return decodeBody(bytes.bytes(), decoders, maxBytes);
  }

  async #reserve({ tenant, request }: ResponseBody, amount: number, memory: BodyMemory): Promise<void> {
    const budget = amount <= SMALL_BYTES ? this.#small : this.#large;
    const revoke = (): void => {
      request.abort(BODY_REVOKED);
    };
    memory.isDelayed ||= budget.mustWait({ amount });
    const release = await budget.acquire({ tenant, amount, revoke }, request.signal);
    if (release === undefined) throw request.signal.reason;
    memory.releases.push(release);
  }

  /** Drops all bodies. */
  close(): void {
    this.#deadlines.close();
  }
}

/** Returns how much memory the body needs, as far as is known. An encoded body exists twice: before and after decoding. */
function firstReservation({ declaredBytes, decoders, maxBytes }: ResponseBody): number {
  if (decoders.length > 0) return 2 * maxBytes;
  return Math.min(declaredBytes ?? SMALL_BYTES, maxBytes);
}
