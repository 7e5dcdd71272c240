import { createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Length of 128 bits in base64url. */
export const MAC_LENGTH = 22;

/**
 * Derives a key for one purpose. Returns a key object, because computing a MAC with bytes takes seven times as long
 * (measured).
 */
export function deriveKey(secret: string, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `archpolicy cache ${purpose}`, 32)));
}

export function computeMac(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url').slice(0, MAC_LENGTH);
}
