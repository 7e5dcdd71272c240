import { toBasicHeader } from '../http/basic-header.ts';

/** An HTTP proxy. */
export interface Proxy {
  /** `http://host:port` or `https://host:port`, without the credential. */
  readonly url: string;
  /** The value of the `proxy-authorization` header. */
  readonly authorization?: string;
}

const MAX_URL_LENGTH = 2048;

/**
 * Parses the URL of a proxy; undefined when it is invalid. Without a scheme, the scheme is HTTP, as in Go and curl.
 * @example http://user:password@proxy.corp.example:3128
 */
export function parseProxyUrl(text: string): Proxy | undefined {
  if (text.length > MAX_URL_LENGTH) return undefined;
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return undefined;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') return undefined;
  const credential = decodeCredential(url);
  if (credential === undefined) return undefined;
  const isAnonymous = credential.username === '' && credential.password === '';
  return isAnonymous ? { url: url.origin } : { url: url.origin, authorization: toBasicHeader(credential) };
}

/** Returns undefined when the percent-encoding is invalid. */
function decodeCredential(url: URL): { readonly username: string; readonly password: string } | undefined {
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    return undefined;
  }
}
