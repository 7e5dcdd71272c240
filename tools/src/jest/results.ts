import type { Json, JsonObject } from '@archpolicy/core';
import { isJsonObject } from '@archpolicy/core';

/** One test of jest's JSON report. */
export interface TestResult {
  readonly file: string;
  /** Titles from the outermost `describe` to the test. */
  readonly path: readonly string[];
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly milliseconds: number;
}

const SKIP_REASON = /\(skipped: [^)]+\)$/;

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function objects(value: Json | undefined): JsonObject[] {
  return list(value).filter((item): item is JsonObject => isJsonObject(item));
}

function toTestResult(file: string, raw: JsonObject): TestResult {
  const ancestors = list(raw['ancestorTitles']).map(text);
  const status = text(raw['status']);
  return {
    file,
    path: [...ancestors, text(raw['title'])],
    status: status === 'passed' || status === 'failed' ? status : 'skipped',
    milliseconds: typeof raw['duration'] === 'number' ? raw['duration'] : 0,
  };
}

function testsOfFile(raw: JsonObject, root: string): TestResult[] {
  const name = text(raw['name']);
  const file = name.startsWith(root) ? name.slice(root.length) : name;
  const tests = objects(raw['assertionResults']).map((test) => toTestResult(file, test));
  const brokenFile = text(raw['status']) === 'failed' && !tests.some(({ status }) => status === 'failed');
  if (!brokenFile) return tests;
  return [...tests, { file, path: ['the test file runs'], status: 'failed', milliseconds: 0 }];
}

/** Reads jest's `--json` report. A file that did not run counts as one failed test. */
export function readReport(report: Json, root: string): TestResult[] {
  if (!isJsonObject(report)) return [];
  return objects(report['testResults']).flatMap((file) => testsOfFile(file, root));
}

/** Returns skipped tests whose title does not end with `(skipped: reason)`. Each of them counts as a failure. */
export function skippedWithoutReason(tests: readonly TestResult[]): TestResult[] {
  return tests.filter(({ status, path }) => status === 'skipped' && !SKIP_REASON.test(path.at(-1) ?? ''));
}
