import { expect, test } from '@jest/globals';
import { ByteCollector } from './byte-collector.ts';

test.each([
  ['without an expected length', undefined],
  ['with an expected length', 30_000],
  ['with an expected length that is too short', 0],
])('joins chunks of any size, %s', (_, expectedBytes) => {
  const bytes = new ByteCollector(expectedBytes);
  const chunks = [1, 4_095, 4_096, 1, 0, 20_000, 1].map((length, index) => Buffer.alloc(length, index + 1));
  for (const chunk of chunks) bytes.append(chunk);
  expect(bytes.length).toBe(28_194);
  expect(Buffer.compare(bytes.bytes(), Buffer.concat(chunks))).toBe(0);
});

test('grows to an expected length at once', () => {
  const bytes = new ByteCollector();
  bytes.append(Buffer.from('ab'));
  bytes.growTo(50_000);
  bytes.append(Buffer.alloc(40_000, 'c'));
  expect([bytes.bytes().buffer.byteLength, bytes.length]).toEqual([50_000, 40_002]);
  expect(Buffer.from(bytes.bytes().subarray(0, 4)).toString()).toBe('abcc');
});

test('P8 keeps no memory of the chunks', () => {
  const bytes = new ByteCollector();
  const network = Buffer.alloc(64 * 1024);
  for (let i = 0; i < 100; i += 1) bytes.append(network.subarray(i, i + 1));
  expect(bytes.bytes().buffer.byteLength).toBe(4 * 1024);
});
