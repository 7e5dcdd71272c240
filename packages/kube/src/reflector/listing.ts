import { KubeError } from '../errors.ts';
import type { StatusError } from '../http/response.ts';

/**
 * How often in a row a page may fail before the LIST starts again, after about four minutes. A token can become useless without
 * a specific error: the API server responds with 500 to each token from before its etcd was restored from a backup.
 */
const MAX_PAGE_FAILURES = 10;

/** A LIST of which some pages may have been read. */
export class Listing {
  #token: string | undefined;
  #failures = 0;
  /**
   * The keys of the listed objects, so that all other stored objects can be deleted. Undefined if the store was empty
   * before the LIST.
   */
  readonly seen: Set<string> | undefined;

  constructor(isStoreEmpty: boolean) {
    this.seen = isStoreEmpty ? undefined : new Set();
  }

  /** The continue token of the next page; undefined for the first page. */
  get token(): string | undefined {
    return this.#token;
  }

  /** Goes on to the next page. Throws KubeError `Malformed` if that is the page that was just read. */
  advance(token: string): void {
    if (token === this.#token) throw new KubeError('Malformed', 'the list continues with the page that was just read');
    this.#token = token;
    this.#failures = 0;
  }

  /**
   * Returns whether the LIST can continue with the page that failed, instead of the first page. A status other than 429 and
   * 5xx is permanent for its token, which may have expired (410) or be unknown to the server (400). The first page has no
   * token: read again, it shows the cluster at a later time, so that the objects seen before may have been deleted since.
   *
   * @param status the error status; undefined if there was no usable response
   */
  canResume(status: StatusError['status'] | undefined): boolean {
    this.#failures += 1;
    const isTransient = status === undefined || status === 429 || status >= 500;
    return isTransient && this.#token !== undefined && this.#failures < MAX_PAGE_FAILURES;
  }
}
