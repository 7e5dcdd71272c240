import { isAddress, isInRanges, parseRange, REFUSED_RANGES } from './ranges.ts';
import type { AddressRange } from './ranges.ts';

const builtIn: readonly AddressRange[] = parseAll(REFUSED_RANGES);

/** Decides for one host to which addresses connections are allowed (I8). */
export class AddressGuard {
  readonly #refused: readonly AddressRange[];
  readonly #allowed: readonly AddressRange[];

  /**
   * @param refused ranges in CIDR notation (for Pods and Services) that are refused in addition to the built-in ranges
   * @param allowed ranges that the registries file allows for this host, even if they are refused otherwise
   */
  constructor(refused: readonly string[], allowed: readonly string[]) {
    this.#refused = [...builtIn, ...parseAll(refused)];
    this.#allowed = parseAll(allowed);
  }

  /** Whether a connection to this address is allowed. An address that cannot be parsed is refused. */
  permits(address: string): boolean {
    if (!isAddress(address)) return false;
    return isInRanges(address, this.#allowed) || !isInRanges(address, this.#refused);
  }
}

function parseAll(ranges: readonly string[]): readonly AddressRange[] {
  return ranges.map(parseRange).filter((range) => range !== undefined);
}
