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
  return credential === ':'
    ? { url: url.origin }
    : { url: url.origin, authorization: `Basic ${Buffer.from(credential, 'utf8').toString('base64')}` };
}

/** Returns `user:password`; undefined when its percent-encoding is invalid. */
function decodeCredential({ username, password }: URL): string | undefined {
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    return undefined;
  }
}
