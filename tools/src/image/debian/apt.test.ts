import { describe, expect, test } from '@jest/globals';
import { parseEntry } from './apt.ts';

describe('an entry of apt', () => {
  test('has a value per field, and only the first entry is read', () => {
    const text = [
      'Package: libgcc-s1',
      'Depends: gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)',
      'Description: shared support library',
      ' that continues',
      'SHA256: abc',
      '',
      'Package: other',
      'SHA256: def',
    ].join('\n');
    expect(parseEntry(text)).toEqual({
      Package: 'libgcc-s1',
      Depends: 'gcc-12-base (= 12.2.0-14), libc6 (>= 2.35)',
      Description: 'shared support library that continues',
      SHA256: 'abc',
    });
  });
});
