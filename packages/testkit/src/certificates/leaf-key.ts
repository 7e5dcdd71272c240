import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** Usable and unusable key types. WebCrypto does not support all of them, so Node's generator is used. */
export type LeafKeyType =
  'P-224' | 'P-256' | 'P-384' | 'P-521' | 'secp256k1' | 'Ed25519' | 'Ed448' | 'RSA-1024' | 'RSA-2048' | 'RSA-PSS-2048';

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

/** Generates a key pair for a leaf certificate. */
export async function generateLeafKey(type: LeafKeyType): Promise<KeyPair> {
  switch (type) {
    case 'Ed25519':
      return generate('ed25519');
    case 'Ed448':
      return generate('ed448');
    case 'RSA-1024':
      return generate('rsa', { modulusLength: 1024 });
    case 'RSA-2048':
      return generate('rsa', { modulusLength: 2048 });
    case 'RSA-PSS-2048':
      return generate('rsa-pss', { modulusLength: 2048 });
    case 'P-224':
    case 'P-256':
    case 'P-384':
    case 'P-521':
    case 'secp256k1':
      return generate('ec', { namedCurve: type });
  }
}
