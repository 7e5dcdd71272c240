import { Nat64 } from './nat64.ts';
import { findRange, formatRange, isAddress, isInRanges, parseRange, REFUSED_RANGES } from './ranges.ts';
import type { AddressRange } from './ranges.ts';

const builtIn: readonly AddressRange[] = parseAll(REFUSED_RANGES);

export interface GuardSettings {
  /** Ranges in CIDR notation (for Pods and Services) that are refused in addition to the built-in ranges. */
  readonly refused: readonly string[];
  /** Ranges that the registries file allows for this host, even if they are refused otherwise. */
  readonly allowed: readonly string[];
  /** The network's own prefixes for NAT64. */
  readonly nat64Prefixes: readonly string[];
}

/** Decides for one host to which addresses connections are allowed (I8). */
export class AddressGuard {
  readonly #refused: readonly AddressRange[];
  readonly #allowed: readonly AddressRange[];
  readonly #nat64: Nat64;

  constructor({ refused, allowed, nat64Prefixes }: GuardSettings) {
    this.#refused = parseAll(refused);
    this.#allowed = parseAll(allowed);
    this.#nat64 = new Nat64(nat64Prefixes);
  }

  /** Whether a connection to this address is allowed. An address that cannot be parsed is refused. */
  permits(address: string): boolean {
    return this.refusalOf(address) === undefined;
  }

  /**
   * Returns the range because of which a connection to this address is refused; undefined when it is allowed.
   * @example 10.96.0.0/12 of refuseAddresses
   */
  refusalOf(address: string): string | undefined {
    if (!isAddress(address)) return 'not an address';
    const embedded = this.#nat64.embeddedIPv4(address);
    // A gateway translates the address, so the connection is one to the embedded address.
    if (embedded !== undefined) return this.#refusalByFile(address) ?? this.refusalOf(embedded);
    if (isInRanges(address, this.#allowed)) return undefined;
    const range = findRange(address, builtIn);
    return this.#refusalByFile(address) ?? (range === undefined ? undefined : `${formatRange(range)} (built in)`);
  }

  #refusalByFile(address: string): string | undefined {
    const range = findRange(address, this.#refused);
    return range === undefined ? undefined : `${formatRange(range)} of refuseAddresses`;
  }
}

function parseAll(ranges: readonly string[]): readonly AddressRange[] {
  return ranges.map(parseRange).filter((range) => range !== undefined);
}
