import { expect, test } from '@jest/globals';
import { TenantRate } from './tenant-rate.ts';

const OPTIONS = {
  total: { perSecond: 1, burst: 5 },
  perTenant: { perSecond: 0.1, burst: 2 },
  maxTenants: 3,
};

const take = (rate: TenantRate, tenants: string, nowMs: number): string =>
  Array.from(tenants)
    .filter((tenant) => rate.tryTake(tenant, nowMs))
    .join('');

test('one tenant gets its share, and leaves the rest of the total to others', () => {
  const rate = new TenantRate(OPTIONS, 0);
  expect(take(rate, 'aaaaaaaabbbbccc', 0)).toBe('aabbc');
  // The total is full again, and each tenant has one new token.
  expect(take(rate, 'aaabbbccc', 10_000)).toBe('abc');
});

test('keeps a bounded number of tenants, and forgets the one that was used the longest time ago', () => {
  const rate = new TenantRate({ ...OPTIONS, total: { perSecond: 1, burst: 100 } }, 0);
  expect(take(rate, 'aabbccada', 0)).toBe('aabbccd');
  // `b` was forgotten, so its share is full again; `a` was used after it.
  expect(take(rate, 'abb', 0)).toBe('bb');
});
