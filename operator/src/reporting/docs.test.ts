import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { REPORT_REASONS, WAIT_REASONS } from '@archpolicy/core';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'remediation.md'), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const documented = rows.flatMap((row) =>
  [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/gu)].map(([, reason]) => reason),
);

describe('docs/remediation.md', () => {
  test('explains every reason for not evicting a pod, and no other', () => {
    expect([...documented].sort()).toEqual([...new Set<string>([...REPORT_REASONS, ...WAIT_REASONS])].sort());
  });
});
